// What went wrong, as typed objects: `code` tells programs, `detail` tells people.

/**
 * @typedef {object} ErrorFields
 * @property {string} code the protocol's, or one of this client's (README)
 * @property {string} [detail]
 * @property {number} [position] 1-based character in `where`
 * @property {number} [status] the HTTP status, or the WebSocket's close code
 * @property {boolean} [fatal] whether it ends what it happened to; else it is tried again
 * @property {number} [retryAfterMs]
 * @property {boolean} [answered] whether the daemon itself said so
 * @property {unknown} [cause]
 */

/** Any failure that this client tells of. */
export class RowcastError extends Error {
  /** @param {ErrorFields} fields */
  constructor({ code, detail = '', position, status, fatal = false, ...more }) {
    super(detail || code, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'RowcastError';
    /** The protocol's code, or one of this client's. */
    this.code = code;
    /** For people; may be empty. */
    this.detail = detail;
    /** 1-based character in `where`. */
    this.position = position;
    /** The HTTP status, or the WebSocket's close code. */
    this.status = status;
    /** Whether it ended what it happened to: the subscription or the client. */
    this.fatal = fatal;
    /** How long the daemon asked to wait. */
    this.retryAfterMs = more.retryAfterMs ?? 0;
    /** Whether the daemon itself said so, and not the network or something in between. */
    this.answered = more.answered ?? false;
  }
}

/** Refusals that asking again would not change. */
const FINAL = new Set([
  'invalid_request',
  'invalid_filter',
  'invalid_cursor',
  'unknown_table',
  'unknown_column',
  'forbidden',
  'too_large',
  'inexact_key',
  'no_key',
]);

/**
 * Whether a refused subscription is over.
 * @param {string} code
 */
export function isFinal(code) {
  return FINAL.has(code);
}

/**
 * Why a WebSocket closed. Fatal is what coming back would not change.
 * @type {Record<number, [code: string, detail: string, fatal?: boolean]>}
 */
const CLOSES = {
  1002: ['protocol', 'the WebSocket protocol was violated'],
  1006: ['network', 'the connection was lost'],
  1008: ['protocol', 'the server refused what this client sent', true],
  1009: ['too_large', 'a message was too large'],
  1011: ['unavailable', 'the server failed'],
  1012: ['restarting', 'the server is restarting'],
  1013: ['unavailable', 'the server is busy'],
  4401: ['unauthenticated', 'the credential was refused or has ended'],
  4403: ['forbidden', 'pages of this origin may not connect', true],
  4408: ['unauthenticated', 'no credential was shown in time'],
  4409: ['limit_reached', 'a limit of the server was reached'],
};

/**
 * @param {number} status the close code
 * @param {string} [reason]
 */
export function errorOfClose(status, reason) {
  const [code, detail, fatal = false] = CLOSES[status] ?? ['network', 'the connection was closed'];
  return new RowcastError({ code, detail: reason || detail, status, fatal });
}

/** @param {unknown} cause anything that was thrown */
export function asError(cause) {
  if (cause instanceof RowcastError) return cause;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new RowcastError({ code: 'network', detail, cause });
}
