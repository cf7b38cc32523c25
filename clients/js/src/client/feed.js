// A subscription whose events are handed on.

import { safely } from './listeners.js';
import { Subscription } from './subscription.js';

/**
 * @typedef {import('./subscription.js').RowEvent} RowEvent
 * @typedef {import('./subscription.js').Row} Row
 *
 * @typedef {object} SubscribeOptions
 * @property {string} [where]
 * @property {unknown[]} [params] for `$1`, `$2`, …
 * @property {string[]} [columns] the key is always included
 * @property {boolean} [old] events carry the row before the change
 * @property {number} [coalesce] milliseconds: at most one delivery per window
 * @property {string | null} [cursor] go on after this; from now without it
 * @property {boolean} [snapshot] first the rows, and again after a reset
 *
 * @typedef {(event: RowEvent) => void} OnEvent
 *
 * @typedef {object} Handlers each is called when the whole step is complete
 * @property {OnEvent} [event] every event
 * @property {OnEvent} [created]
 * @property {OnEvent} [updated]
 * @property {OnEvent} [patched]
 * @property {OnEvent} [removed]
 * @property {OnEvent} [truncated]
 * @property {(events: RowEvent[], cursor: string) => void} [batch] whole transactions
 * @property {(rows: Row[], cursor: string) => void} [snapshot] all rows, in place of those before
 * @property {(reason: string) => void} [reset] what came before can't be gone on from
 * @property {(error: import('./errors.js').RowcastError) => void} [error] it is over
 * @property {(status: import('./subscription.js').Status) => void} [status]
 */

export class Feed {
  #home;
  #handlers;
  #subscription;

  /**
   * @param {import('./mirror.js').Home} home
   * @param {string} table
   * @param {SubscribeOptions} options
   * @param {Handlers} handlers
   */
  constructor(home, table, { cursor = null, ...options }, handlers) {
    this.#home = home;
    this.#handlers = handlers;
    const { where, params, columns, old, coalesce, snapshot } = options;
    const wanted = { table, where, params, columns, old, coalesce, snapshot };
    this.#subscription = new Subscription(wanted, cursor, {
      apply: (delivery) => () => this.#tell(delivery),
      status: (status) => this.#became(status),
      reset: (reason) => safely(() => handlers.reset?.(reason)),
    });
    home.add(this.#subscription);
  }

  get status() {
    return this.#subscription.status;
  }

  /** Why it ended, if it did. */
  get error() {
    return this.#subscription.error;
  }

  /** All before it has been handed on; to be kept by who wants to go on later. */
  get cursor() {
    return this.#subscription.cursor;
  }

  /** The key's columns. */
  get key() {
    return this.#subscription.key;
  }

  get columns() {
    return this.#subscription.columns;
  }

  unsubscribe() {
    this.#home.remove(this.#subscription);
    this.#subscription.close();
  }

  /** @param {import('./subscription.js').Status} status */
  #became(status) {
    const { error } = this;
    safely(() => this.#handlers.status?.(status));
    if (status === 'error' && error) safely(() => this.#handlers.error?.(error));
  }

  /** @param {import('./subscription.js').Delivery} delivery */
  #tell({ rows, events, cursor }) {
    const handlers = this.#handlers;
    if (rows) safely(() => handlers.snapshot?.(rows, cursor));
    for (const event of events) {
      safely(() => handlers.event?.(event));
      safely(() => handlers[event.event]?.(event));
    }
    if (events.length > 0) safely(() => handlers.batch?.(events, cursor));
  }
}
