// The credential: fetched when it is needed, and anew before it ends.

import { RowcastError } from './errors.js';

/** @typedef {string | null | undefined} MaybeToken */
/** @typedef {string | (() => MaybeToken | Promise<MaybeToken>)} Token */

/** A token is renewed so long before its end, or when nine tenths of its life are over. */
const MARGIN_MS = 60_000;
const MARGIN_PART = 0.1;
/** Timers can't wait longer. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

export class TokenSource {
  #given;
  #leastMs;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #keeping = 0;
  /** The one in use. @type {string | null} */
  current = null;

  /**
   * @param {Token | null | undefined} given
   * @param {number} leastMs a token isn't renewed sooner than this
   */
  constructor(given, leastMs) {
    this.#leastMs = leastMs;
    this.#given = given ?? null;
    if (typeof given === 'string') this.current = given;
  }

  /** Whether another one can be had when this one is refused. */
  get isRenewable() {
    return typeof this.#given === 'function';
  }

  /** Asks for one, if there is whom to ask. */
  async fetch() {
    if (typeof this.#given !== 'function') return this.current;
    try {
      this.current = (await this.#given()) ?? null;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new RowcastError({ code: 'token_failed', detail: `no token: ${why}`, cause });
    }
    return this.current;
  }

  /**
   * Fetches the next one before this one ends, as long as it isn't told to `rest`.
   * @param {() => void} renewed
   */
  keepFresh(renewed) {
    this.#plan(this.#renewInMs, renewed);
  }

  /** Fetches no more by itself. */
  rest() {
    this.#keeping += 1;
    clearTimeout(this.#timer);
  }

  /**
   * @param {number | null} wait
   * @param {() => void} renewed
   */
  #plan(wait, renewed) {
    this.rest();
    if (wait === null) return;
    const keeping = this.#keeping;
    this.#timer = setTimeout(async () => {
      const isFetched = await this.fetch().then(
        () => true,
        () => false,
      );
      if (keeping !== this.#keeping) return;
      if (isFetched) renewed();
      this.#plan(isFetched ? this.#renewInMs : this.#leastMs, renewed);
    }, wait);
  }

  /** When to fetch the next one; null if that isn't known or can't be done. */
  get #renewInMs() {
    if (!this.isRenewable || !this.current) return null;
    const { exp, iat } = claimsOf(this.current);
    if (typeof exp !== 'number') return null;
    const now = Date.now();
    const lifeMs = typeof iat === 'number' ? (exp - iat) * 1000 : exp * 1000 - now;
    const leftMs = Math.min(lifeMs, Math.max(exp * 1000 - now, 0) || lifeMs);
    const wait = leftMs - Math.min(MARGIN_MS, lifeMs * MARGIN_PART);
    return Math.min(Math.max(wait, this.#leastMs), LONGEST_WAIT_MS);
  }
}

/**
 * What a JWT says of itself; nothing for other tokens.
 * @param {string} token
 * @returns {Record<string, unknown>}
 */
function claimsOf(token) {
  const payload = token.split('.')[1];
  if (!payload) return {};
  try {
    const claims = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    return claims && typeof claims === 'object' ? claims : {};
  } catch {
    return {};
  }
}
