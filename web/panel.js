// One open table: its mirror, the filter on it, and what has happened in it lately.

import { nameOf } from './api.js';
import { Keyless } from './keyless.js';
import { Recent } from './recent.js';
import { comparing, firstOf } from './sort.js';
import { isNumeric } from './view/value.js';

/**
 * @typedef {import('./client/client.js').Client} Client
 * @typedef {import('./client/mirror.js').Mirror} Mirror
 * @typedef {import('./client/subscription.js').RowEvent} RowEvent
 * @typedef {import('./client/errors.js').RowcastError} RowcastError
 * @typedef {import('./api.js').TableInfo} TableInfo
 * @typedef {import('./sort.js').Sort} Sort
 * @typedef {import('./sort.js').Entry} Entry
 *
 * @typedef {object} Events whom a panel tells
 * @property {() => void} changed there is something to draw
 * @property {(events: RowEvent[]) => void} happened
 * @property {() => void} filtered another filter has taken force
 */

/** So many rows are drawn at first … */
const ROWS_DRAWN = 200;
/** … but fewer of wide tables, so that drawing them takes no longer. */
const CELLS_DRAWN = 4_000;
const ROWS_DRAWN_AT_LEAST = 40;
/** So many times more rows are drawn when more are asked for, up to … */
const MORE_FACTOR = 2;
const MAX_ROWS_DRAWN = 5_000;

export class Panel {
  name;
  info;
  where;
  /** What was wrong with a filter. @type {import('./view/filter.js').Fault | null} */
  fault = null;
  /** Something that happened to the whole table. @type {string | null} */
  notice = null;
  recent = new Recent();
  /** When the rows came first. @type {number | null} */
  since = null;
  /** @type {Sort} */
  sort;
  #client;
  #tell;
  /** @type {Mirror | Keyless} */
  #source;
  /** Another filter's, until it is known to be good. @type {Mirror | Keyless | null} */
  #trial = null;
  #more = 1;

  /**
   * @param {Client} client
   * @param {TableInfo} info
   * @param {string} where
   * @param {Events} tell
   */
  constructor(client, info, where, tell) {
    this.#client = client;
    this.#tell = tell;
    this.info = info;
    this.name = nameOf(info);
    this.where = where;
    this.sort = { by: 'key', name: '', isDescending: this.#beginsDescending() };
    this.#source = this.#open(where);
    this.#await(this.#source, where);
  }

  get isKeyed() {
    return this.key.length > 0;
  }

  get key() {
    return this.info.key ?? [];
  }

  get columns() {
    const { columns } = this.#source;
    return columns.length > 0 ? columns : this.info.columns;
  }

  get status() {
    return this.#source.status;
  }

  /** Why there will be no more rows. */
  get error() {
    return this.#source.error;
  }

  get size() {
    return this.#source.rows.size;
  }

  /** @param {import('./client/key.js').Key} key */
  row(key) {
    return this.#source.rows.get(key);
  }

  /** The rows to list, in their order: those that are there, and those that have just gone. */
  entries() {
    const numeric = this.columns.filter(({ type }) => isNumeric(type)).map(({ name }) => name);
    return firstOf(this.#all(), comparing(this.sort, this.key, new Set(numeric)), this.#most());
  }

  /** Lists more of the rows. */
  showMore() {
    this.#more *= MORE_FACTOR;
    this.#tell.changed();
  }

  get canShowMore() {
    return this.#most() < Math.min(this.size, MAX_ROWS_DRAWN);
  }

  /**
   * Sorts by this, or the other way round if it is so already.
   * @param {Sort['by']} by
   * @param {string} name
   */
  sortBy(by, name) {
    const isSame = this.sort.by === by && this.sort.name === name;
    const type = this.columns.find((column) => column.name === name)?.type ?? '';
    const isLargestFirst = by === 'change' || isNumeric(type) || type.startsWith('timestamp');
    const first = by === 'key' ? this.#beginsDescending() : isLargestFirst;
    this.sort = { by, name, isDescending: isSame ? !this.sort.isDescending : first };
    this.#tell.changed();
  }

  /**
   * Asks for another filter; the one in force goes on until that one is known to be good.
   * @param {string} where '' for none
   */
  filter(where) {
    this.#trial?.close();
    this.#trial = null;
    this.fault = null;
    this.#tell.changed();
    if (where === this.where && !this.error) return;
    this.#trial = this.#open(where);
    this.#await(this.#trial, where);
  }

  close() {
    this.#source.close();
    this.#trial?.close();
  }

  *#all() {
    const { marks, gone } = this.recent;
    for (const [key, row] of this.#source.rows) {
      yield /** @type {Entry} */ ({ key, row, mark: marks.get(key), isGone: false });
    }
    for (const [key, { row }] of gone) {
      yield /** @type {Entry} */ ({ key, row, mark: marks.get(key), isGone: true });
    }
  }

  #most() {
    const narrow = Math.floor(CELLS_DRAWN / Math.max(this.columns.length, 1));
    const first = Math.min(ROWS_DRAWN, Math.max(ROWS_DRAWN_AT_LEAST, narrow));
    return Math.min(first * this.#more, MAX_ROWS_DRAWN);
  }

  /** Keys that are numbers mostly grow: the newest rows come first. */
  #beginsDescending() {
    const [first] = this.info.key ?? [];
    return isNumeric(this.info.columns.find(({ name }) => name === first)?.type ?? '');
  }

  /** @param {string} where */
  #open(where) {
    const { changed } = this.#tell;
    if (!this.isKeyed) {
      return new Keyless(this.#client, this.name, where, this.#tell.happened, changed);
    }
    return this.#client.mirror(this.name, where ? { where } : {});
  }

  /**
   * @param {Mirror | Keyless} source
   * @param {string} where
   */
  #await(source, where) {
    if ('watch' in source) source.watch(this.#tell.changed);
    source.ready.then(
      () => this.#isReady(source, where),
      (error) => this.#failed(source, where, error),
    );
  }

  /**
   * @param {Mirror | Keyless} source
   * @param {string} where
   */
  #isReady(source, where) {
    if (source === this.#trial) this.#take(source, where);
    if (source !== this.#source) return;
    this.since = Date.now();
    if ('subscribe' in source) source.subscribe((changes) => this.#changed(changes));
    this.#tell.changed();
  }

  /**
   * The trial is good.
   * @param {Mirror | Keyless} source
   * @param {string} where
   */
  #take(source, where) {
    this.#source.close();
    this.#source = source;
    this.#trial = null;
    this.where = where;
    this.recent = new Recent();
    this.notice = null;
    this.#tell.filtered();
  }

  /**
   * @param {Mirror | Keyless} source
   * @param {string} where
   * @param {RowcastError} error
   */
  #failed(source, where, { code, detail, position }) {
    if (code === 'closed' || (source !== this.#trial && source !== this.#source)) return;
    if (source === this.#trial) this.#trial = null;
    if (code === 'invalid_filter' || where !== this.where) {
      this.fault = { where, detail: detail || code, position };
    }
    this.#tell.changed();
  }

  /** @param {import('./client/mirror.js').Change[]} changes */
  #changed(changes) {
    const now = Date.now();
    this.recent.add(changes, now);
    const told = changes.map(({ by }) => by).filter((by) => by !== null);
    const events = told.filter((by, i) => by !== told[i - 1]);
    if (events.some(({ event }) => event === 'truncated')) {
      this.notice = 'All rows were removed by TRUNCATE.';
    }
    if (events.length > 0) this.#tell.happened(events);
    this.#tell.changed();
  }
}
