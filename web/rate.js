// Events per second over the last minute. Pure: the caller says what time it is.

export const SECONDS = 60;
/**
 * The number shown is the mean of this many seconds, so that slow feeds don't flicker between 0 and
 * 1.
 */
const SMOOTH_SECONDS = 3;

/** Counts by second. */
export class Rate {
  #counts = new Array(SECONDS + 1).fill(0);
  #second = 0;

  /**
   * @param {number} events
   * @param {number} now
   */
  add(events, now) {
    this.#moveTo(now);
    this.#counts[this.#second % this.#counts.length] += events;
  }

  /**
   * Whole seconds that have passed, oldest first.
   * @param {number} now
   * @returns {number[]}
   */
  history(now) {
    this.#moveTo(now);
    const length = this.#counts.length;
    return Array.from({ length: SECONDS }, (_, i) => this.#counts[(this.#second + 1 + i) % length]);
  }

  /** @param {number} now */
  perSecond(now) {
    const last = this.history(now).slice(-SMOOTH_SECONDS);
    return last.reduce((sum, count) => sum + count, 0) / SMOOTH_SECONDS;
  }

  /** @param {number} now */
  #moveTo(now) {
    const second = Math.floor(now / 1000);
    const passed = Math.min(second - this.#second, this.#counts.length);
    for (let i = 0; i < passed; i += 1) this.#counts[(second - i) % this.#counts.length] = 0;
    this.#second = Math.max(second, this.#second);
  }
}

/**
 * Three figures at most: 0.3, 12, 1.2k.
 * @param {number} rate
 */
export function formatRate(rate) {
  if (rate === 0) return '0';
  if (rate < 9.95) return rate.toFixed(1);
  if (rate < 999.5) return rate.toFixed(0);
  return `${(rate / 1000).toFixed(rate < 99_950 ? 1 : 0)}k`;
}
