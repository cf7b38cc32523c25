// A table without a key can't be mirrored: only its events are told. Stands where a mirror would.

/**
 * @typedef {import('./client/subscription.js').RowEvent} RowEvent
 * @typedef {import('./client/key.js').Key} Key
 * @typedef {import('./client/key.js').Row} Row
 */

export class Keyless {
  /** None can be kept. @type {ReadonlyMap<Key, Row>} */
  rows = new Map();
  /** @type {Promise<void>} */
  ready;
  #feed;

  /**
   * @param {import('./client/client.js').Client} client
   * @param {string} table
   * @param {string} where
   * @param {(events: RowEvent[]) => void} tell
   * @param {() => void} changed
   */
  constructor(client, table, where, tell, changed) {
    /** @type {() => void} */
    let resolve = () => {};
    /** @type {(error: Error) => void} */
    let reject = () => {};
    this.ready = new Promise((...both) => ([resolve, reject] = both));
    this.#feed = client.subscribe(table, where ? { where } : {}, {
      batch: tell,
      status(status) {
        if (status === 'live') resolve();
        changed();
      },
      error: (error) => reject(error),
    });
  }

  get status() {
    return this.#feed.status;
  }

  get error() {
    return this.#feed.error;
  }

  get columns() {
    return this.#feed.columns;
  }

  close() {
    this.#feed.unsubscribe();
  }
}
