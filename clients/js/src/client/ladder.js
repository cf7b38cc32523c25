// Which transport is in use or tried next, and when. Knows no transport; counts what worked.

import { delayMs } from './backoff.js';

/** A connection that lived this long was a good one: the next failure counts from the start. */
const STEADY_MS = 5_000;

/** Transports, best first, as numbers from 0. */
export class Ladder {
  /** The one in use or being tried. */
  level = 0;
  /** Where the next round of tries begins: at the one that worked last. */
  #first = 0;
  #count;
  #timing;
  #random;
  #failures = 0;
  #betterTries = 0;
  #liveAt = 0;

  /**
   * @param {number} count
   * @param {import('./link.js').Timing} timing
   * @param {() => number} random
   */
  constructor(count, timing, random) {
    this.#count = count;
    this.#timing = timing;
    this.#random = random;
  }

  /** Forgets what failed. */
  restart() {
    this.level = 0;
    this.#first = 0;
    this.#failures = 0;
  }

  /** @param {number} level the one that got through */
  worked(level) {
    this.level = level;
    this.#first = level;
    this.#liveAt = performance.now();
    if (level === 0) this.#betterTries = 0;
  }

  /** The one in use was lost. */
  lost() {
    const isSteady = performance.now() - this.#liveAt >= STEADY_MS;
    this.#failures = isSteady ? 0 : this.#failures + 1;
  }

  /**
   * The one being tried didn't get through. Tells whether to try the next one at once; if not, the
   * round is over. Where the daemon itself has answered, another way would bring the same answer.
   * @param {boolean} isAnswered
   */
  failed(isAnswered) {
    if (!isAnswered && this.level + 1 < this.#count) {
      this.level += 1;
      return true;
    }
    this.#failures += 1;
    if (!isAnswered) this.#first = 0;
    return false;
  }

  /**
   * A new round begins. Returns how long to wait before.
   * @param {import('./errors.js').RowcastError} error why the last one ended
   */
  rewindMs(error) {
    this.level = this.#first;
    const { retryFirstMs: firstMs, retryMostMs: mostMs } = this.#timing;
    return delayMs(this.#failures, error, { firstMs, mostMs, random: this.#random });
  }

  /** When to try a better one than that in use; null if there is none. */
  get betterMs() {
    if (this.level === 0) return null;
    const { betterFirstMs, betterMostMs } = this.#timing;
    const delay = Math.min(betterMostMs, betterFirstMs * 2 ** Math.min(this.#betterTries, 30));
    return delay * (0.75 + this.#random() / 2);
  }

  /** None better than the one in use got through. */
  betterFailed() {
    this.#betterTries += 1;
  }
}
