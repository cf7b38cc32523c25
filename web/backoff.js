// When a connection that ended is tried again, if at all. Pure but for the dice.

const FIRST_MS = 500;
const MOST_MS = 30_000;
const LIMIT_REACHED_MS = 10_000;
const RESTART_SPREAD_MS = 4_000;

/**
 * What a close code means, in words for people. `final`: trying again by itself would not help.
 * `vague`: the server's own reason says more.
 * @type {Record<number, { text: string, final?: boolean, vague?: boolean }>}
 */
const MEANINGS = {
  1001: { text: 'the server went away' },
  1006: { text: 'the connection was lost' },
  1008: { text: 'the server refused what this page sent', final: true },
  1009: { text: 'a message was too large' },
  1011: { text: 'the server failed', vague: true },
  1012: { text: 'the server is restarting' },
  1013: { text: 'the server is busy' },
  4401: { text: 'the credential was refused or has ended', final: true },
  4403: { text: 'pages of this origin may not connect', final: true },
  4408: { text: 'no credential was given in time', final: true },
  4409: { text: 'a limit of the server was reached', vague: true },
};

/** @param {number} code */
export function meaningOf(code) {
  return MEANINGS[code]?.text ?? 'the connection was closed';
}

/**
 * The more telling one of what the code means and what the server said.
 * @param {{ code: number, reason: string }} end
 */
export function inBrief({ code, reason }) {
  const meaning = MEANINGS[code];
  return reason && (!meaning || meaning.vague) ? reason : meaningOf(code);
}

/** @param {number} code */
export function isFinal(code) {
  return MEANINGS[code]?.final === true;
}

/**
 * Milliseconds until the next attempt: doubling, with jitter, lest clients come back in step.
 * @param {number} attempt how many have failed in a row, from 1
 * @param {number} code why the last connection ended
 * @param {() => number} random from 0 to 1
 */
export function delayMs(attempt, code, random = Math.random) {
  const ceiling = Math.min(MOST_MS, FIRST_MS * 2 ** (attempt - 1));
  const jittered = ceiling / 2 + (ceiling / 2) * random();
  if (code === 1012) return jittered + RESTART_SPREAD_MS * random();
  if (code === 4409) return Math.max(jittered, LIMIT_REACHED_MS);
  return jittered;
}
