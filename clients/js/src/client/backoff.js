// When what failed is tried again. Pure but for the dice.

const LIMIT_REACHED_MS = 10_000;
const RESTART_SPREAD_MS = 4_000;
/** The first attempt after a connection that had been good. */
const AT_ONCE_MS = 500;

/**
 * @typedef {object} Backoff
 * @property {number} firstMs
 * @property {number} mostMs
 * @property {() => number} random from 0 to 1
 */

/**
 * Milliseconds until the next attempt: doubling, with jitter, lest clients come back in step.
 * @param {number} failures how many attempts have failed in a row
 * @param {import('./errors.js').RowcastError} error why the last one did
 * @param {Backoff} backoff
 */
export function delayMs(failures, error, { firstMs, mostMs, random }) {
  const ceiling = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
  const jittered =
    failures < 1 ? Math.min(AT_ONCE_MS, firstMs) * random() : ceiling * (0.5 + random() / 2);
  if (error.code === 'restarting') return jittered + RESTART_SPREAD_MS * random();
  const least = error.code === 'limit_reached' ? LIMIT_REACHED_MS : error.retryAfterMs;
  return least > jittered ? least * (1 + random() / 4) : jittered;
}
