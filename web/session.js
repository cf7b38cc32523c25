// Who reads: one of the demo's identities, someone with a token of their own, or nobody in
// particular.
//
// A token is kept in memory; in the tab's storage only if the reader says so; never in an address.

import { fetchIdentities } from './api.js';

/** @typedef {import('./api.js').Identity} Identity */

const NAME_KEY = 'rowcast.identity';
const TOKEN_KEY = 'rowcast.token';
/** A token is renewed when this part of its life is over. */
const RENEWED_AFTER = 0.9;
const RENEWED_AT_MOST_EVERY_MS = 10_000;
/** Timers can't wait longer. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** What the reader shows of who it is. */
export class Session {
  /** @type {Identity[]} */
  identities = [];
  isDemo;
  /** The chosen identity's name; '' is nobody. */
  #name = '';
  /** @type {string | null} */
  #pasted = null;
  #fetchedAt = 0;
  /** Whether the server hasn't taken these tokens yet. */
  #untried = true;

  /** @param {boolean} isDemo whether there are identities to choose from */
  constructor(isDemo) {
    this.isDemo = isDemo;
    if (!isDemo) this.#pasted = stored(TOKEN_KEY);
  }

  /** Fetches the identities, if there are any, with fresh tokens. */
  async fetch() {
    if (!this.isDemo) return;
    const isFirst = this.identities.length === 0;
    this.identities = await fetchIdentities();
    this.#fetchedAt = Date.now();
    this.#untried = true;
    if (isFirst) this.#name = this.#nameToBeginWith();
  }

  #nameToBeginWith() {
    const name = stored(NAME_KEY);
    const isKnown = name === '' || this.identities.some((identity) => identity.name === name);
    return name !== null && isKnown ? name : (this.identities[0]?.name ?? '');
  }

  /** @returns {string | null} */
  get token() {
    return this.isDemo ? (this.chosen?.token ?? null) : this.#pasted;
  }

  /** The identity of the demo that was chosen, if one was. */
  get chosen() {
    return this.identities.find(({ name }) => name === this.#name);
  }

  /** The server has taken the token. */
  accepted() {
    this.#untried = false;
  }

  /** Whether fresh tokens may help: not if these are, and were refused all the same. */
  get isRenewable() {
    return this.isDemo && !this.#untried;
  }

  /** When to renew the token, or null if that isn't known or can't be done. */
  get renewInMs() {
    const { exp, iat } = this.chosen?.claims ?? {};
    if (typeof exp !== 'number' || typeof iat !== 'number') return null;
    const age = Date.now() - this.#fetchedAt;
    const wait = (exp - iat) * 1000 * RENEWED_AFTER - age;
    return Math.min(Math.max(wait, RENEWED_AT_MOST_EVERY_MS), LONGEST_WAIT_MS);
  }

  /** @param {string} name '' for nobody */
  choose(name) {
    this.#name = name;
    store(NAME_KEY, name);
  }

  /**
   * @param {string} token '' for none
   * @param {boolean} isKept until the tab is closed, over reloads
   */
  use(token, isKept) {
    this.#pasted = token || null;
    store(TOKEN_KEY, isKept ? this.#pasted : null);
  }
}

/**
 * Storage may be switched off; what was chosen then lasts as long as the page.
 * @param {string} key
 */
function stored(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {string | null} value
 */
function store(key, value) {
  try {
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, value);
  } catch {
    // as above
  }
}
