// Subscriptions over HTTP: an event stream each, or polls.
//
// A browser opens six connections to a host at most, over HTTP/1.1. So no more than MAX_HELD
// requests are held open; subscriptions beyond that poll without waiting.

import { RowcastError, asError, isFinal } from './errors.js';
import { blocks } from './event-stream.js';
import { parse } from './json.js';
import { isExpiry } from './websocket.js';

/** Requests that may stay open at once. */
const MAX_HELD = 4;
/** Between two polls, lest each of many small transactions is asked for by itself. */
const REST_MS = 20;
/** A way that said nothing for so long is doubted when the page comes back. */
const DOUBTED_MS = 20_000;
/** After how long a subscription that was refused for now is asked for again. */
const AGAIN_MS = 2_000;

/**
 * @typedef {import('./subscription.js').Subscription} Subscription
 * @typedef {import('./link.js').Host} Host
 * @typedef {import('./link.js').Link} Link
 */

/** @implements {Link} */
export class HttpLink {
  transport;
  #host;
  #http;
  #stopped = new AbortController();
  /** @type {Map<Subscription, AbortController>} */
  #running = new Map();
  /** @type {import('./http.js').Table[]} */
  #tables = [];
  #held = 0;
  #heardAt = 0;

  /**
   * @param {Host} host
   * @param {import('./http.js').Http} http
   * @param {'sse' | 'polling'} transport
   */
  constructor(host, http, transport) {
    this.#host = host;
    this.#http = http;
    this.transport = transport;
  }

  start() {
    void this.#prove();
  }

  /** Finds out whether this way gets through. */
  async #prove() {
    const { signal } = this.#stopped;
    try {
      this.#tables = await this.#http.tables(signal);
      if (this.transport === 'sse') await this.#proveStream(signal);
    } catch (cause) {
      const error = asError(cause);
      this.#end(new RowcastError({ ...error, fatal: error.code === 'forbidden' }));
      return;
    }
    if (signal.aborted) return;
    this.#heard();
    this.#host.live(this, null);
  }

  /**
   * Some proxies answer requests but hold streams back: one must begin.
   * @param {AbortSignal} signal
   */
  async #proveStream(signal) {
    const [table] = this.#tables;
    if (!table) return;
    const name = table.schema === 'public' ? table.name : `${table.schema}.${table.name}`;
    for await (const _ of this.#http.stream({ table: name }, null, signal)) break;
  }

  stop() {
    this.#stopped.abort();
    for (const controller of this.#running.values()) controller.abort();
    this.#running.clear();
  }

  /** @param {Subscription} subscription */
  add(subscription) {
    const controller = new AbortController();
    this.#running.set(subscription, controller);
    subscription.asked();
    void this.#serve(subscription, controller.signal);
  }

  /** @param {Subscription} subscription */
  remove(subscription) {
    this.#running.get(subscription)?.abort();
    this.#running.delete(subscription);
  }

  renew() {} // each request shows the token of its time

  check() {
    if (performance.now() - this.#heardAt <= DOUBTED_MS) return;
    this.#end(new RowcastError({ code: 'network', detail: 'the server fell silent' }));
  }

  #heard() {
    this.#heardAt = performance.now();
  }

  /**
   * @param {Subscription} subscription
   * @param {AbortSignal} signal
   */
  async #serve(subscription, signal) {
    while (!signal.aborted && !subscription.isOver) {
      const isHeld = this.#held < MAX_HELD;
      if (isHeld) this.#held += 1;
      try {
        if (this.transport === 'sse' && isHeld) await this.#stream(subscription, signal);
        else await this.#poll(subscription, signal, isHeld);
      } catch (cause) {
        if (!signal.aborted) await this.#failed(subscription, asError(cause), signal);
      } finally {
        if (isHeld) this.#held -= 1;
      }
    }
    if (subscription.isOver) this.#running.delete(subscription);
  }

  /**
   * @param {Subscription} subscription
   * @param {RowcastError} error
   * @param {AbortSignal} signal
   */
  async #failed(subscription, error, signal) {
    if (isExpiry(error.code) && subscription.place !== null) {
      subscription.reset(error.code);
    } else if (isFinal(error.code)) {
      subscription.fail(new RowcastError({ ...error, fatal: true }));
    } else if (error.code === 'too_many_requests') {
      subscription.lost();
      await pause(Math.max(AGAIN_MS, error.retryAfterMs), signal);
    } else {
      this.#end(error);
    }
  }

  /** @param {RowcastError} error */
  #end(error) {
    if (this.#stopped.signal.aborted) return;
    this.stop();
    this.#host.ended(this, error);
  }

  /**
   * Has a subscription without a place begin at the cursor of now: until the first commit, a lost
   * stream would leave a gap otherwise.
   * @param {Subscription} subscription
   * @param {AbortSignal} signal
   */
  async #beginNow(subscription, signal) {
    const { wanted } = subscription;
    if (subscription.place !== null || wanted.snapshot) return;
    const { cursor } = await this.#http.poll(wanted, null, 0, signal);
    if (!signal.aborted) this.#begin(subscription, cursor);
  }

  /**
   * @param {Subscription} subscription
   * @param {string} [cursor]
   */
  #begin(subscription, cursor) {
    const { table } = subscription.wanted;
    const found = this.#tables.find(
      ({ name, schema }) => name === table || `${schema}.${name}` === table,
    );
    subscription.begun({ key: found?.key, columns: found?.columns, cursor });
  }

  /**
   * @param {Subscription} subscription
   * @param {AbortSignal} signal
   */
  async #stream(subscription, signal) {
    await this.#beginNow(subscription, signal);
    const texts = this.#http.stream(subscription.wanted, subscription.place, signal);
    let hasBegun = false;
    for await (const block of blocks(texts)) {
      if (signal.aborted) return;
      this.#heard();
      if (!hasBegun) this.#begin(subscription);
      hasBegun = true;
      if (block) this.#take(subscription, block);
    }
    throw new RowcastError({ code: 'network', detail: 'the stream ended' });
  }

  /**
   * @param {Subscription} subscription
   * @param {import('./event-stream.js').Block} block
   */
  #take(subscription, { event, id, data }) {
    const read = data === '' ? null : parse(data, this.#host.bigint);
    if (event === 'snapshot') subscription.rows(read.rows);
    else if (event === 'synced') subscription.synced(read);
    else if (event === 'reset') subscription.reset(read.reason);
    else if (event === 'error') throw new RowcastError({ ...read, answered: true });
    else if (event !== 'cursor' && read) subscription.events([read]);
    if (id !== null) this.#host.commit([subscription], id);
  }

  /**
   * @param {Subscription} subscription
   * @param {AbortSignal} signal
   * @param {boolean} isHeld whether the server may let it wait
   */
  async #poll(subscription, signal, isHeld) {
    const { wanted } = subscription;
    await this.#beginNow(subscription, signal);
    if (signal.aborted) return;
    const isFollowing = subscription.isJoined;
    if (!isFollowing) this.#begin(subscription);
    if (!subscription.isJoined) {
      const { rows, cursor } = await this.#http.rows(wanted, signal);
      if (signal.aborted) return;
      subscription.rows(rows);
      subscription.synced({ cursor });
      this.#commit(subscription, cursor);
    }
    const { pollMs } = this.#host.timing;
    const waitMs = isHeld && isFollowing ? pollMs : 0;
    const since = performance.now();
    const isNew = await this.#pollOnce(subscription, signal, waitMs);
    const tookMs = performance.now() - since;
    await pause(this.#restMs(wanted, isHeld && (isNew || tookMs * 2 >= waitMs)), signal);
  }

  /**
   * How long to leave the server alone.
   * @param {import('./subscription.js').Wanted} wanted
   * @param {boolean} hasWaited whether the server waits until there is something
   */
  #restMs({ coalesce = 0 }, hasWaited) {
    return Math.max(coalesce, hasWaited ? REST_MS : this.#host.timing.shortPollMs);
  }

  /**
   * Polls until an answer is complete; tells whether it had anything.
   * @param {Subscription} subscription
   * @param {AbortSignal} signal
   * @param {number} waitMs how long the server may wait for something
   */
  async #pollOnce(subscription, signal, waitMs) {
    let cursor = subscription.place;
    let count = 0;
    for (;;) {
      const polled = await this.#http.poll(subscription.wanted, cursor, waitMs, signal);
      if (signal.aborted) return false;
      subscription.events(polled.events);
      count += polled.events.length;
      cursor = polled.cursor;
      if (!polled.more) break;
    }
    this.#commit(subscription, cursor);
    return count > 0;
  }

  /**
   * @param {Subscription} subscription
   * @param {string} cursor
   */
  #commit(subscription, cursor) {
    this.#heard();
    this.#host.commit([subscription], cursor);
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve(undefined);
    }
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
