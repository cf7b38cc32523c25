// The chosen table: its subscription, and what that has brought so far.
//
// A new filter is tried beside the one in force, which goes on until the server has taken the new
// one: a slip of the pen costs nothing.

import { Rate } from './rate.js';
import { begin, clear, reduce, sweep } from './state.js';

/**
 * @typedef {import('./feed.js').Message} Message
 * @typedef {import('./view/filter.js').Fault} Fault
 */

const NOTHING = { key: [], columns: [] };

/** What is watched. */
export class Watch {
  table = '';
  /** The filter in force. */
  where = '';
  /** Why the filter that was asked for last isn't. @type {Fault | null} */
  fault = null;
  state = begin(NOTHING);
  rate = new Rate();
  #feed;
  #filtered;
  #subscriptions = 0;
  #id = '';
  /** @type {{ id: string, where: string } | null} */
  #trial = null;

  /**
   * @param {import('./feed.js').Feed} feed
   * @param {() => void} filtered called when a new filter has taken force
   */
  constructor(feed, filtered) {
    this.#feed = feed;
    this.#filtered = filtered;
  }

  /**
   * Leaves the table for another.
   * @param {string} table
   * @param {string} where
   * @param {import('./api.js').TableInfo | undefined} info undefined: there is no such table
   */
  choose(table, where, info) {
    this.stop();
    Object.assign(this, { table, where, state: begin(info ?? NOTHING) });
    if (info) this.#id = this.#subscribe(where);
  }

  /** Watches nothing, and forgets what was seen. */
  stop() {
    this.#feed.unsubscribe(this.#id);
    this.#endTrial();
    this.#id = '';
    this.#begin('');
  }

  /**
   * Asks for another filter on the same table.
   * @param {string} where '' for none
   */
  filter(where) {
    this.#endTrial();
    this.fault = null;
    if (where === this.where && this.state.subscription.phase === 'ready') return;
    this.#trial = { id: this.#subscribe(where), where };
  }

  /**
   * Takes in what the feed says, if it is about this table.
   * @param {Message} message
   * @param {number} now
   */
  receive(message, now) {
    const id = 'id' in message ? message.id : undefined;
    if (this.#trial && id === this.#trial.id) this.#decide(message, this.#trial);
    if (id !== undefined && id !== this.#id) return;
    const before = this.state.shown.total;
    this.state = reduce(this.state, message, now);
    this.rate.add(this.state.shown.total - before, now);
    if (id !== undefined && message.op === 'error') this.#blame(message, this.where);
  }

  /** @param {number} now */
  sweep(now) {
    this.state = sweep(this.state, now);
  }

  clear() {
    this.state = clear(this.state);
  }

  /** @param {import('./state.js').Notice | null} notice */
  notify(notice) {
    this.state = { ...this.state, shown: { ...this.state.shown, notice } };
  }

  /**
   * @param {Message} message
   * @param {{ id: string, where: string }} trial
   */
  #decide(message, { id, where }) {
    if (message.op === 'error') {
      this.#trial = null;
      this.#blame(message, where);
    } else if (message.op === 'subscribed') {
      this.#trial = null;
      this.#feed.unsubscribe(this.#id);
      this.#id = id;
      this.#begin(where);
      this.#filtered();
    }
  }

  /** @param {string} where */
  #begin(where) {
    this.where = where;
    this.fault = null;
    this.state = begin(this.state);
    this.rate = new Rate();
  }

  /**
   * @param {{ code: string, detail: string, position: number | undefined }} error
   * @param {string} where
   */
  #blame({ code, detail, position }, where) {
    if (where !== '' && code === 'invalid_filter') this.fault = { where, detail, position };
    else if (where !== this.where) this.fault = { where, detail: detail || code, position };
  }

  /** @param {string} where */
  #subscribe(where) {
    this.#subscriptions += 1;
    const id = `page-${this.#subscriptions}`;
    this.#feed.subscribe(id, { table: this.table, ...(where && { where }) });
    return id;
  }

  #endTrial() {
    if (this.#trial) this.#feed.unsubscribe(this.#trial.id);
    this.#trial = null;
  }
}
