// Rows too large for an event, fetched one by one.
//
// A fetched row may be newer than what the last commit showed: until the next commits have come it
// can be ahead of the others. An event about the row that comes meanwhile wins.

import { asError, isFinal } from './errors.js';

const RETRY_MS = 5_000;

/**
 * @typedef {import('./key.js').Key} Key
 * @typedef {import('./key.js').Row} Row
 */

export class Oversize {
  #home;
  #subscription;
  #fetched;
  /** @type {Map<Key, AbortController>} */
  #underWay = new Map();

  /**
   * @param {import('./mirror.js').Home} home
   * @param {import('./subscription.js').Subscription} subscription
   * @param {(key: Key, row: Row | null) => void} fetched
   */
  constructor(home, subscription, fetched) {
    this.#home = home;
    this.#subscription = subscription;
    this.#fetched = fetched;
  }

  /**
   * @param {Key} key
   * @param {Row} identity the key's columns
   */
  fetch(key, identity) {
    const controller = new AbortController();
    this.#underWay.set(key, controller);
    void this.#run(key, identity, controller);
  }

  /** @param {Key} key */
  forget(key) {
    this.#underWay.get(key)?.abort();
    this.#underWay.delete(key);
  }

  clear() {
    for (const key of [...this.#underWay.keys()]) this.forget(key);
  }

  /**
   * @param {Key} key
   * @param {Row} identity
   * @param {AbortController} controller
   */
  async #run(key, identity, { signal }) {
    const wanted = this.#rowWanted(identity);
    while (!signal.aborted) {
      try {
        const rows = await this.#home.fetchRows(wanted, signal);
        if (signal.aborted) return;
        this.#underWay.delete(key);
        this.#fetched(key, rows[0] ?? null);
        return;
      } catch (cause) {
        if (signal.aborted || isFinal(asError(cause).code)) return;
        await new Promise((resolve) => {
          setTimeout(resolve, RETRY_MS);
        });
      }
    }
  }

  /** @param {Row} identity */
  #rowWanted(identity) {
    const { table, where, params = [], columns } = this.#subscription.wanted;
    const names = Object.keys(identity);
    const conditions = names.map((name, i) => `${quoted(name)} = $${params.length + i + 1}`);
    if (where) conditions.unshift(`(${where})`);
    return {
      table,
      where: conditions.join(' and '),
      params: [...params, ...names.map((name) => identity[name])],
      columns,
    };
  }
}

/** @param {string} name */
function quoted(name) {
  return `"${name.replaceAll('"', '""')}"`;
}
