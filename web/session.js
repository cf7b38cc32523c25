// Who reads: one of the demo's identities, someone with a token of their own, or nobody in
// particular.
//
// A token is kept in memory; in the tab's storage only if the reader says so; never in an address.

import { fetchIdentities } from './api.js';

/** @typedef {import('./api.js').Identity} Identity */

const NAME_KEY = 'rowcast.identity';
const TOKEN_KEY = 'rowcast.token';

/** What the reader shows of who it is. */
export class Session {
  /** @type {Identity[]} */
  identities = [];
  #isDemo;
  #changed;
  /** The chosen identity's name; '' is nobody; null until it is known. @type {string | null} */
  #name = null;
  /** @type {string | null} */
  #pasted = null;
  /** @type {Promise<Identity[]> | null} */
  #asking = null;

  /**
   * @param {boolean} isDemo whether there are identities to choose from
   * @param {() => void} changed called when the identities have come
   */
  constructor(isDemo, changed) {
    this.#isDemo = isDemo;
    this.#changed = changed;
    if (!isDemo) this.#pasted = stored(TOKEN_KEY);
  }

  /** What the client is to show. */
  get credential() {
    return this.#isDemo ? () => this.#freshToken() : (this.#pasted ?? undefined);
  }

  get hasToken() {
    return this.#pasted !== null;
  }

  /** The chosen identity's name; '' is nobody. */
  get name() {
    return this.#name ?? '';
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

  async #freshToken() {
    this.#asking ??= fetchIdentities();
    try {
      this.identities = await this.#asking;
    } finally {
      this.#asking = null;
    }
    this.#name ??= this.#nameToBeginWith();
    this.#changed();
    return this.identities.find(({ name }) => name === this.#name)?.token ?? null;
  }

  #nameToBeginWith() {
    const name = stored(NAME_KEY);
    const isKnown = name === '' || this.identities.some((identity) => identity.name === name);
    return name !== null && isKnown ? name : (this.identities[0]?.name ?? '');
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
