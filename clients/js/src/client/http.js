// The daemon's HTTP resources. Tokens go into a header, never into an address.

import { RowcastError } from './errors.js';
import { parse, stringify } from './json.js';

/**
 * @typedef {import('./subscription.js').Row} Row
 * @typedef {import('./subscription.js').RowEvent} RowEvent
 * @typedef {import('./subscription.js').Wanted} Wanted
 * @typedef {{ name: string, schema: string, key: string[],
 *   columns: import('./subscription.js').Column[] }} Table
 * @typedef {{ rows: Row[], cursor: string }} Snapshot
 * @typedef {{ events: RowEvent[], cursor: string, more?: boolean }} Polled
 */

export class Http {
  #host;

  /** @param {import('./link.js').Host} host */
  constructor(host) {
    this.#host = host;
  }

  /**
   * @param {AbortSignal} [signal]
   * @returns {Promise<Table[]>}
   */
  async tables(signal) {
    const url = this.#host.address('v1/tables');
    return (await this.#json(url, signal, this.#host.timing.helloMs)).tables;
  }

  /**
   * @param {Wanted} wanted
   * @param {AbortSignal} [signal]
   * @returns {Promise<Snapshot>}
   */
  rows(wanted, signal) {
    return this.#json(this.#addressOf(wanted, 'rows'), signal, this.#host.timing.silenceMs);
  }

  /**
   * What came after the cursor; without one, the cursor of now.
   * @param {Wanted} wanted
   * @param {string | null} cursor
   * @param {number} waitMs how long the server may wait for something
   * @param {AbortSignal} signal
   * @returns {Promise<Polled>}
   */
  poll(wanted, cursor, waitMs, signal) {
    const url = this.#addressOf(wanted, 'changes');
    if (wanted.old) url.searchParams.set('old', 'true');
    if (cursor !== null) url.searchParams.set('cursor', cursor);
    if (waitMs > 0) url.searchParams.set('wait', String(waitMs / 1000));
    return this.#json(url, signal, waitMs + this.#host.timing.helloMs);
  }

  /**
   * The live feed, as a stream of text; `firstBytesMs` and `silenceMs` bound how long it says
   * nothing.
   * @param {Wanted} wanted
   * @param {string | null} cursor
   * @param {AbortSignal} signal
   */
  stream(wanted, cursor, signal) {
    const { firstBytesMs, silenceMs } = this.#host.timing;
    const url = this.#addressOf(wanted, 'changes');
    if (wanted.old) url.searchParams.set('old', 'true');
    if (wanted.coalesce) url.searchParams.set('coalesce', String(wanted.coalesce));
    if (wanted.snapshot) url.searchParams.set('snapshot', 'true');
    if (cursor !== null) url.searchParams.set('cursor', cursor);
    return this.#texts(url, 'text/event-stream', signal, firstBytesMs, silenceMs);
  }

  /**
   * @param {Wanted} wanted
   * @param {'rows' | 'changes'} what
   */
  #addressOf({ table, where, params, columns }, what) {
    const url = this.#host.address(`v1/tables/${encodeURIComponent(table)}/${what}`);
    if (where) url.searchParams.set('where', where);
    if (params?.length) url.searchParams.set('params', stringify(params));
    if (columns) url.searchParams.set('columns', columns.join(','));
    return url;
  }

  /**
   * @param {URL} url
   * @param {AbortSignal | undefined} signal
   * @param {number} headMs how long the answer may take to begin
   */
  async #json(url, signal, headMs) {
    const { bigint, timing } = this.#host;
    let text = '';
    for await (const part of this.#texts(url, JSON_TYPE, signal, headMs, timing.silenceMs)) {
      text += part;
    }
    try {
      return parse(text, bigint);
    } catch (cause) {
      throw new RowcastError({ code: 'unexpected_answer', detail: 'not JSON', cause });
    }
  }

  /**
   * The answer's text, as it comes.
   * @param {URL} url
   * @param {string} accept
   * @param {AbortSignal | undefined} signal
   * @param {number} headMs how long the first part may take
   * @param {number} silenceMs how long each further part may take
   * @returns {AsyncGenerator<string, void, undefined>}
   */
  async *#texts(url, accept, signal, headMs, silenceMs) {
    const controller = new AbortController();
    const abort = () => controller.abort();
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
    let timer = setTimeout(abort, headMs);
    try {
      const response = await this.#request(url, accept, controller.signal);
      const decoder = new TextDecoder();
      const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        clearTimeout(timer);
        if (done) break;
        yield decoder.decode(value, { stream: true });
        timer = setTimeout(abort, silenceMs);
      }
    } catch (cause) {
      if (cause instanceof RowcastError) throw cause;
      const detail = signal?.aborted ? 'given up' : `the request failed: ${messageOf(cause)}`;
      throw new RowcastError({ code: 'network', detail, cause });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      controller.abort();
    }
  }

  /**
   * @param {URL} url
   * @param {string} accept
   * @param {AbortSignal} signal
   */
  async #request(url, accept, signal) {
    const { token, fetch } = this.#host;
    /** @type {Record<string, string>} */
    const headers = { accept };
    if (token !== null) headers.authorization = `Bearer ${token}`;
    const response = await fetch(url, {
      headers,
      signal,
      cache: 'no-store',
      credentials: 'include',
    });
    const type = response.headers.get('content-type') ?? '';
    if (!response.ok) throw await problemOf(response, type);
    if (!type.startsWith(accept) || !response.body) {
      const detail = `the answer is ${type || 'nothing'}, not ${accept}`;
      throw new RowcastError({ code: 'unexpected_answer', detail, status: response.status });
    }
    return response;
  }
}

const JSON_TYPE = 'application/json';

/** @param {unknown} cause */
function messageOf(cause) {
  return cause instanceof Error ? cause.message : String(cause);
}

/**
 * Why the daemon, or something before it, refused.
 * @param {Response} response
 * @param {string} type
 */
async function problemOf(response, type) {
  const { status } = response;
  const isOwn = type.startsWith('application/problem+json');
  const problem = isOwn ? await response.json().catch(() => ({})) : {};
  const { code = 'unexpected_answer', title, position } = problem;
  const detail = problem.detail ?? title ?? `the server answered ${status}`;
  const retryAfterMs = Number(response.headers.get('retry-after')) * 1000 || 0;
  return new RowcastError({ code, detail, position, status, retryAfterMs, answered: isOwn });
}
