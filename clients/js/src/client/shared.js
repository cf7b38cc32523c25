// One mirror for all who show the same: opened for the first of them, closed after the last.

import { stringify } from './json.js';

/** How long a mirror outlives the last who showed it: until the next page has been drawn. */
const LINGER_MS = 1_000;
/** What is shown before there is a mirror. */
const NOTHING = Object.freeze({ rows: Object.freeze([]), status: 'syncing', error: null });

/**
 * @typedef {import('./client.js').Client} Client
 * @typedef {import('./mirror.js').MirrorOptions} MirrorOptions
 * @typedef {import('./mirror.js').MirrorState} MirrorState
 */

/** @type {WeakMap<Client, Map<string, SharedMirror>>} */
const known = new WeakMap();

/**
 * The mirror of this table that all with equal options share.
 * @param {Client} client
 * @param {string} table
 * @param {MirrorOptions} options
 */
export function sharedMirror(client, table, options) {
  const mirrors = known.get(client) ?? new Map();
  known.set(client, mirrors);
  const { where, params, columns, coalesce } = options;
  const name = stringify([table, where, params, columns, coalesce]);
  const found = mirrors.get(name);
  if (found) return found;
  const shared = new SharedMirror(
    () => client.mirror(table, options),
    () => mirrors.delete(name),
  );
  mirrors.set(name, shared);
  return shared;
}

export class SharedMirror {
  #open;
  #closed;
  /** @type {import('./mirror.js').Mirror | null} */
  #mirror = null;
  #users = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #linger;

  /**
   * @param {() => import('./mirror.js').Mirror} open
   * @param {() => void} closed
   */
  constructor(open, closed) {
    this.#open = open;
    this.#closed = closed;
  }

  /** The same object until something changes. @returns {MirrorState} */
  state = () => this.#mirror?.state() ?? /** @type {MirrorState} */ (NOTHING);

  /**
   * @param {() => void} listener called when `state()` is another one
   * @returns {() => void} ends it
   */
  watch = (listener) => {
    clearTimeout(this.#linger);
    this.#users += 1;
    this.#mirror ??= this.#open();
    const off = this.#mirror.watch(listener);
    let isOn = true;
    return () => {
      if (isOn) this.#left();
      isOn = false;
      off();
    };
  };

  #left() {
    this.#users -= 1;
    if (this.#users === 0) this.#linger = setTimeout(() => this.#close(), LINGER_MS);
  }

  #close() {
    this.#mirror?.close();
    this.#mirror = null;
    this.#closed();
  }
}
