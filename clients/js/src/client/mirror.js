// An exact copy of what the reader may see of a table.
//
// `rows` goes from one state that the database had to the next, never through anything between.

import { RowcastError } from './errors.js';
import { keyOf, keyOfGiven } from './key.js';
import { Listeners } from './listeners.js';
import { Oversize } from './oversize.js';
import { isSame } from './same.js';
import { Subscription } from './subscription.js';

/**
 * @typedef {import('./key.js').Key} Key
 * @typedef {import('./key.js').Row} Row
 * @typedef {import('./subscription.js').Status} Status
 * @typedef {import('./subscription.js').RowEvent} RowEvent
 * @typedef {import('./subscription.js').Delivery} Delivery
 *
 * @typedef {object} Change
 * @property {'created' | 'updated' | 'patched' | 'removed'} event
 * @property {Key} key
 * @property {Row | null} row as it is now; null if removed
 * @property {Row | null} old as the mirror had it; null if created
 * @property {RowEvent | null} by what said so; null where rows were read anew
 *
 * @typedef {object} MirrorOptions
 * @property {string} [where]
 * @property {unknown[]} [params] for `$1`, `$2`, …
 * @property {string[]} [columns] the key is always included
 * @property {number} [coalesce] milliseconds: at most one delivery per window
 *
 * @typedef {object} MirrorState
 * @property {readonly Row[]} rows
 * @property {Status} status
 * @property {RowcastError | null} error
 *
 * @typedef {object} Home what a mirror needs of its client
 * @property {import('./json.js').BigintMode} bigint
 * @property {(subscription: Subscription) => void} add
 * @property {(subscription: Subscription) => void} remove
 * @property {(wanted: import('./subscription.js').Wanted, signal: AbortSignal) =>
 *   Promise<Row[]>} fetchRows
 */

export class Mirror {
  /** The rows by key. Not to be written to. @type {ReadonlyMap<Key, Row>} */
  rows;
  /** Resolves when `rows` is complete for the first time. @type {Promise<void>} */
  ready;
  /** @type {Map<Key, Row>} */
  #rows = new Map();
  #home;
  #subscription;
  #oversize;
  /** @type {Listeners<[Change[]]>} */
  #changed = new Listeners();
  /** @type {Listeners<[]>} */
  #watching = new Listeners();
  /** @type {readonly Row[] | null} */
  #view = null;
  /** @type {MirrorState | null} */
  #state = null;
  /** @type {() => void} */
  #resolve = () => {};
  /** @type {(error: RowcastError) => void} */
  #reject = () => {};

  /**
   * @param {Home} home
   * @param {string} table
   * @param {MirrorOptions} options
   */
  constructor(home, table, { where, params, columns, coalesce }) {
    this.rows = this.#rows;
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.ready.catch(() => {}); // whoever waits for it sees it
    this.#home = home;
    const wanted = { table, where, params, columns, coalesce, snapshot: true };
    this.#subscription = new Subscription(wanted, null, {
      apply: (delivery) => this.#apply(delivery),
      status: (status) => this.#became(status),
      reset: () => this.#oversize.clear(),
    });
    this.#oversize = new Oversize(home, this.#subscription, (key, row) => this.#fetched(key, row));
    home.add(this.#subscription);
  }

  /** @returns {Status} */
  get status() {
    return this.#subscription.status;
  }

  /** Why it ended, if it did. */
  get error() {
    return this.#subscription.error;
  }

  /** The key's columns; empty before the first rows. */
  get key() {
    return this.#subscription.key;
  }

  get columns() {
    return this.#subscription.columns;
  }

  /** How far `rows` is complete. */
  get cursor() {
    return this.#subscription.cursor;
  }

  /**
   * The row with this key: a value, an array of values in the key's order, or an object by column.
   * @param {Key | unknown[] | Row} key
   */
  get(key) {
    return this.#rows.get(keyOfGiven(this.key, key));
  }

  /** All rows, in an array that stays the same until something changes. */
  view() {
    this.#view ??= Object.freeze([...this.#rows.values()]);
    return this.#view;
  }

  /** Rows, status and error, in an object that stays the same until something changes. */
  state() {
    const { status, error } = this;
    this.#state ??= Object.freeze({ rows: this.view(), status, error });
    return this.#state;
  }

  /**
   * Tells of changes: each call has whole transactions, in order, `rows` being as after them.
   * @param {(changes: Change[]) => void} listener
   * @returns {() => void} ends it
   */
  subscribe(listener) {
    return this.#changed.add(listener);
  }

  /**
   * Tells that `state()` is another one.
   * @param {() => void} listener
   * @returns {() => void} ends it
   */
  watch(listener) {
    return this.#watching.add(listener);
  }

  /** Ends it; `rows` stays as it is. */
  close() {
    this.#home.remove(this.#subscription);
    this.#subscription.close();
  }

  /** @param {Status} status */
  #became(status) {
    this.#state = null;
    if (status === 'error' || status === 'closed') {
      this.#oversize.clear();
      const closed = new RowcastError({ code: 'closed', detail: 'the mirror was closed' });
      this.#reject(this.error ?? closed);
    }
    this.#watching.tell();
  }

  /** @param {Delivery} delivery */
  #apply({ rows, events }) {
    if (this.key.length === 0) {
      const detail = `${this.#subscription.wanted.table} has no key: it can't be mirrored`;
      throw new RowcastError({ code: 'no_key', detail, fatal: true });
    }
    /** @type {Change[]} */
    const changes = [];
    if (rows) {
      const before = new Map(this.#rows);
      this.#oversize.clear();
      this.#rows.clear();
      for (const row of rows) this.#rows.set(this.#keyOf(row), row);
      for (const event of events) this.#follow(event, []);
      this.#compare(before, changes);
    } else {
      for (const event of events) this.#follow(event, changes);
    }
    return this.#published(changes, rows !== null);
  }

  /**
   * @param {Change[]} changes
   * @param {boolean} isComplete whether the rows are new as a whole
   */
  #published(changes, isComplete) {
    if (changes.length > 0) {
      this.#view = null;
      this.#state = null;
    }
    return () => {
      if (isComplete) this.#resolve();
      if (changes.length === 0) return;
      this.#changed.tell(changes);
      this.#watching.tell();
    };
  }

  /** @param {Row} row */
  #keyOf(row) {
    return keyOf(this.key, row, this.#home.bigint);
  }

  /**
   * @param {RowEvent} by
   * @param {Change[]} changes
   */
  #follow(by, changes) {
    const { event, key: identity, data, oversize } = by;
    if (event === 'truncated') {
      this.#oversize.clear();
      for (const key of [...this.#rows.keys()]) this.#remove(key, by, changes);
      return;
    }
    const key = this.#keyOf(identity ?? {});
    this.#oversize.forget(key);
    if (event === 'removed') this.#remove(key, by, changes);
    else if (data) this.#set(event, key, data, by, changes);
    else if (oversize) this.#oversize.fetch(key, identity ?? {});
  }

  /**
   * @param {Change['event']} event
   * @param {Key} key
   * @param {Row} row
   * @param {RowEvent | null} by
   * @param {Change[]} changes
   */
  #set(event, key, row, by, changes) {
    const old = this.#rows.get(key) ?? null;
    this.#rows.set(key, row);
    changes.push({ event, key, row, old, by });
  }

  /**
   * @param {Key} key
   * @param {RowEvent | null} by
   * @param {Change[]} changes
   */
  #remove(key, by, changes) {
    const old = this.#rows.get(key);
    if (!old) return;
    this.#rows.delete(key);
    changes.push({ event: 'removed', key, row: null, old, by });
  }

  /**
   * What is different now; rows that are not keep their object.
   * @param {Map<Key, Row>} before
   * @param {Change[]} changes
   */
  #compare(before, changes) {
    const by = null;
    for (const [key, old] of before) {
      if (!this.#rows.has(key)) changes.push({ event: 'removed', key, row: null, old, by });
    }
    for (const [key, row] of this.#rows) {
      const old = before.get(key) ?? null;
      if (!old) changes.push({ event: 'created', key, row, old, by });
      else if (isSame(old, row)) this.#rows.set(key, old);
      else changes.push({ event: 'patched', key, row, old, by });
    }
  }

  /**
   * A row that had been too large to send.
   * @param {Key} key
   * @param {Row | null} row null: it is gone
   */
  #fetched(key, row) {
    /** @type {Change[]} */
    const changes = [];
    if (row) this.#set(this.#rows.has(key) ? 'patched' : 'created', key, row, null, changes);
    else this.#remove(key, null, changes);
    this.#published(changes, false)();
  }
}
