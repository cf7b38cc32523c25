// One subscription's place in the feed, whichever transport feeds it.
//
// Gathers rows and events and hands on nothing but complete states: what came since the last commit
// is void when a connection ends, and comes again from its start.

import { RowcastError } from './errors.js';

/** Changes that are remembered, so that none is applied twice. */
const MAX_SEEN = 4096;

/**
 * @typedef {import('./key.js').Row} Row
 * @typedef {{ name: string, type: string }} Column
 *
 * @typedef {'created' | 'updated' | 'patched' | 'removed' | 'truncated'} EventKind
 * @typedef {object} RowEvent what happened to a row, as the protocol's section 7 says
 * @property {EventKind} event
 * @property {string} table
 * @property {Row | null} key
 * @property {Row} [data] the row after the change; as it last was, if removed
 * @property {string[]} [changed]
 * @property {'enter' | 'leave'} [cause]
 * @property {Row} [old]
 * @property {number} seq
 * @property {string} tx
 * @property {string} at
 * @property {string} [origin]
 * @property {boolean} [oversize] too large to send: `data` is missing
 *
 * @typedef {object} Wanted
 * @property {string} table
 * @property {string} [where]
 * @property {unknown[]} [params]
 * @property {string[]} [columns]
 * @property {boolean} [old]
 * @property {number} [coalesce] milliseconds
 * @property {boolean} [snapshot]
 *
 * @typedef {'syncing' | 'live' | 'stale' | 'error' | 'closed'} Status
 *   `syncing`: what is needed to be complete is on its way; `stale`: it was complete, and there is
 *   no connection now
 *
 * @typedef {object} Delivery one complete step: first the rows, if any, then the events
 * @property {Row[] | null} rows all rows, in place of those before
 * @property {RowEvent[]} events whole transactions
 * @property {string} cursor
 *
 * @typedef {object} Sink who takes what a subscription brings
 * @property {(delivery: Delivery) => (() => void) | null} apply takes a step in; what it returns is
 *   called when all that take part in the same commit have taken theirs in
 * @property {(status: Status) => void} status
 * @property {(reason: string) => void} reset
 */

/** What is wanted of a table, and how far it has come. */
export class Subscription {
  wanted;
  /** Complete up to here; null before, and after a reset. @type {string | null} */
  cursor;
  /** @type {Status} */
  status = 'syncing';
  /** @type {RowcastError | null} */
  error = null;
  /** The key's columns. @type {string[]} */
  key = [];
  /** @type {Column[]} */
  columns = [];
  #sink;
  /** Rows of a snapshot that isn't complete. @type {Row[]} */
  #incoming = [];
  /** A complete snapshot without a commit yet. @type {{ rows: Row[], cursor: string } | null} */
  #base = null;
  /** @type {RowEvent[]} */
  #pending = [];
  /** Whether commits speak for it. */
  #joined = false;
  #wasLive = false;
  /** @type {Set<string>} */
  #seen = new Set();

  /**
   * @param {Wanted} wanted
   * @param {string | null} cursor
   * @param {Sink} sink
   */
  constructor(wanted, cursor, sink) {
    this.wanted = wanted;
    this.cursor = cursor;
    this.#sink = sink;
  }

  /** From where to go on; null: from a snapshot, or from now. */
  get place() {
    return this.#base?.cursor ?? this.cursor;
  }

  get isOver() {
    return this.status === 'error' || this.status === 'closed';
  }

  /** Whether commits speak for it: it has begun, and no snapshot is under way. */
  get isJoined() {
    return this.#joined;
  }

  /** It has been asked for. */
  asked() {
    this.#become('syncing');
  }

  /**
   * The server has taken it: what follows `place` will come, or the rows if there is no place.
   * @param {{ key?: string[] | null, columns?: Column[], cursor?: string | null }} begun
   */
  begun({ key, columns, cursor }) {
    if (key) this.key = key;
    if (columns) this.columns = columns;
    this.#pending = [];
    this.#incoming = [];
    const isResumed = this.place !== null;
    this.#joined = isResumed || !this.wanted.snapshot;
    if (!this.#joined) return;
    if (isResumed) return;
    if (cursor) this.cursor = cursor;
    this.#become('live');
  }

  /** @param {Row[]} rows some of a snapshot's */
  rows(rows) {
    if (this.#joined) this.#restart();
    for (const row of rows) this.#incoming.push(row);
  }

  /**
   * The snapshot is complete; it shows with the commit that covers it.
   * @param {{ cursor: string, key?: string[] }} synced
   */
  synced({ cursor, key }) {
    if (this.#joined) this.#restart();
    if (key) this.key = key;
    this.#base = { rows: this.#incoming, cursor };
    this.#incoming = [];
    this.#pending = [];
    this.#joined = true;
  }

  /** @param {RowEvent[]} events */
  events(events) {
    if (!this.#joined) return;
    for (const event of events) this.#pending.push(event);
  }

  /**
   * What was known can't be gone on from: rows follow, if they were asked for, else what comes from
   * now on.
   * @param {string} reason
   */
  reset(reason) {
    this.#restart();
    this.#joined = !this.wanted.snapshot;
    this.#become(this.#joined ? 'live' : 'syncing');
    this.#sink.reset(reason);
  }

  /** Forgets its place and all that is under way. */
  #restart() {
    this.cursor = null;
    this.#base = null;
    this.#incoming = [];
    this.#pending = [];
    this.#seen.clear();
    this.#joined = false;
  }

  /**
   * What came is complete up to this cursor. Returns what tells of it, for when all that take part
   * have taken theirs in.
   * @param {string} cursor
   * @returns {(() => void) | null}
   */
  commit(cursor) {
    if (!this.#joined) return null;
    this.cursor = cursor;
    const rows = this.#base?.rows ?? null;
    const events = this.#pending;
    if (!rows && events.length === 0 && this.status === 'live') return null;
    this.#base = null;
    this.#pending = [];
    if (rows) this.#seen.clear();
    const fresh = events.filter((event) => this.#isNew(event));
    const tell = rows || fresh.length > 0 ? this.#apply({ rows, events: fresh, cursor }) : null;
    return () => {
      if (this.#joined) this.#become('live');
      tell?.();
    };
  }

  /** @param {Delivery} delivery */
  #apply(delivery) {
    try {
      return this.#sink.apply(delivery);
    } catch (error) {
      if (!(error instanceof RowcastError)) throw error;
      this.fail(error);
      return null;
    }
  }

  /**
   * A change may have two events: a changed key removes a row and creates one.
   * @param {RowEvent} event
   */
  #isNew({ seq, event }) {
    const name = `${seq} ${event}`;
    if (this.#seen.has(name)) return false;
    this.#seen.add(name);
    if (this.#seen.size > MAX_SEEN) this.#seen.delete(this.#seen.values().next().value ?? '');
    return true;
  }

  /** The connection ended. A snapshot that had become complete is gone on from. */
  lost() {
    this.#pending = [];
    this.#incoming = [];
    this.#joined = false;
    this.#become(this.#wasLive ? 'stale' : 'syncing');
  }

  /** @param {RowcastError} error why there will be no more */
  fail(error) {
    if (this.isOver) return;
    this.error = error;
    this.#end('error');
  }

  close() {
    if (!this.isOver) this.#end('closed');
  }

  /** @param {Status} status */
  #end(status) {
    this.#restart();
    this.#become(status);
  }

  /** @param {Status} status */
  #become(status) {
    if (this.status === status || this.isOver) return;
    this.status = status;
    this.#wasLive ||= status === 'live';
    this.#sink.status(status);
  }
}
