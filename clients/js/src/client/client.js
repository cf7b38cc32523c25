// The client: what is wanted, who asks, and the way to the server that works now.

import { baseOf } from './address.js';
import { RowcastError, asError } from './errors.js';
import { Feed } from './feed.js';
import { HttpLink } from './http-link.js';
import { Http } from './http.js';
import { Ladder } from './ladder.js';
import { TIMING } from './link.js';
import { Listeners, safely } from './listeners.js';
import { Mirror } from './mirror.js';
import { TokenSource } from './token.js';
import { onWake } from './wake.js';
import { WebSocketLink } from './websocket.js';

/** Why what is asked of a closed client fails. */
const CLOSED = new RowcastError({ code: 'closed', detail: 'the client was closed', fatal: true });

/**
 * @typedef {import('./link.js').Link} Link
 * @typedef {import('./link.js').Transport} Transport
 * @typedef {import('./subscription.js').Subscription} Subscription
 *
 * @typedef {'connecting' | 'live' | 'waiting' | 'closed'} ClientStatus
 *
 * @typedef {object} ConnectOptions
 * @property {string | URL} [url] where the daemon is; the page's own origin by default
 * @property {import('./token.js').Token} [token] a credential, or what fetches a new one; without
 *   it cookies tell who asks
 * @property {import('./json.js').BigintMode} [bigint] how integers beyond 2^53 come: `string` by
 *   default
 * @property {Transport[]} [transports] which to try, best first
 * @property {typeof globalThis.WebSocket} [WebSocket] where there is none
 * @property {typeof globalThis.fetch} [fetch]
 * @property {Partial<import('./link.js').Timing>} [timing]
 * @property {() => number} [random]
 */

/** What is wanted of one daemon, over one way at a time. */
export class Client {
  /** @type {ClientStatus} */
  status = 'connecting';
  /** Why it waits or was closed. @type {RowcastError | null} */
  error = null;
  /** The reader's claims, where the transport tells. @type {Record<string, unknown> | null} */
  identity = null;
  #base;
  #timing;
  #bigint;
  #http;
  #token;
  /** @type {Transport[]} */
  #transports;
  #host;
  /** @type {Listeners<[]>} */
  #watching = new Listeners();
  /** @type {Set<Subscription>} */
  #subscriptions = new Set();
  /** @type {Link | null} */
  #link = null;
  /** A better way that is being tried beside the one in use. @type {Link | null} */
  #better = null;
  #ladder;
  /** Counts openings, so that what belongs to an earlier one is known. */
  #openings = 0;
  /** @type {Record<'retry' | 'better', ReturnType<typeof setTimeout> | undefined>} */
  #timers = { retry: undefined, better: undefined };
  #sleep;
  #isDone = false;

  /** @param {ConnectOptions} options */
  constructor(options) {
    this.#base = baseOf(options.url);
    this.#timing = { ...TIMING, ...options.timing };
    this.#bigint = options.bigint ?? 'string';
    this.#token = new TokenSource(options.token, this.#timing.renewLeastMs);
    const WebSocketClass = options.WebSocket ?? globalThis.WebSocket;
    const wanted = options.transports ?? ['websocket', 'sse', 'polling'];
    this.#transports = wanted.filter((one) => one !== 'websocket' || WebSocketClass);
    if (this.#transports.length === 0) {
      throw new RowcastError({ code: 'invalid_request', detail: 'no transport is left to try' });
    }
    const random = options.random ?? Math.random;
    this.#ladder = new Ladder(this.#transports.length, this.#timing, random);
    this.#host = this.#asHost(WebSocketClass, options.fetch ?? globalThis.fetch.bind(globalThis));
    this.#http = new Http(this.#host);
    this.#sleep = onWake((isUrgent) => this.#wake(isUrgent));
    void this.#open();
  }

  /**
   * @param {typeof globalThis.WebSocket} WebSocketClass
   * @param {typeof globalThis.fetch} fetch
   * @returns {import('./link.js').Host}
   */
  #asHost(WebSocketClass, fetch) {
    const token = this.#token;
    return {
      get token() {
        return token.current;
      },
      bigint: this.#bigint,
      timing: this.#timing,
      WebSocket: WebSocketClass,
      fetch,
      address: (path) => new URL(path, this.#base),
      subscriptions: () => [...this.#subscriptions],
      live: (link, identity) => this.#live(link, identity),
      ended: (link, error) => this.#ended(link, error),
      commit: (subscriptions, cursor) => this.#commit(subscriptions, cursor),
    };
  }

  /** The way in use; null while there is none. */
  get transport() {
    return this.status === 'live' ? (this.#link?.transport ?? null) : null;
  }

  /**
   * An exact copy of what the reader may see of a table.
   * @param {string} table
   * @param {import('./mirror.js').MirrorOptions} [options]
   */
  mirror(table, options = {}) {
    return new Mirror(this.#home(), table, options);
  }

  /**
   * What happens to a table's rows.
   * @param {string} table
   * @param {import('./feed.js').SubscribeOptions} options
   * @param {import('./feed.js').Handlers} handlers
   */
  subscribe(table, options, handlers) {
    return new Feed(this.#home(), table, options, handlers);
  }

  /**
   * The tables that the reader may see.
   * @returns {Promise<import('./http.js').Table[]>}
   */
  async tables() {
    if (this.#token.current === null) await this.#token.fetch();
    return this.#http.tables();
  }

  /**
   * Tells that `status`, `transport`, `identity` or `error` changed.
   * @param {() => void} listener
   * @returns {() => void} ends it
   */
  watch(listener) {
    return this.#watching.add(listener);
  }

  /** Tries again now, whatever was planned; also after an error that closed it. */
  reconnect() {
    if (this.#isDone || !this.#disconnect()) return;
    this.#ladder.restart();
    this.#become('connecting', null);
    void this.#open();
  }

  /** Ends everything: subscriptions and mirrors too. */
  close() {
    this.#isDone = true;
    this.#disconnect();
    this.#sleep();
    for (const subscription of [...this.#subscriptions]) subscription.close();
    this.#subscriptions.clear();
    this.#become('closed', null);
  }

  /** @returns {import('./mirror.js').Home} */
  #home() {
    return {
      bigint: this.#bigint,
      add: (subscription) => this.#add(subscription),
      remove: (subscription) => this.#remove(subscription),
      fetchRows: async (wanted, signal) => (await this.#http.rows(wanted, signal)).rows,
    };
  }

  /** @param {Subscription} subscription */
  #add(subscription) {
    if (this.status === 'closed') {
      queueMicrotask(() => subscription.fail(this.error ?? CLOSED));
      return;
    }
    this.#subscriptions.add(subscription);
    if (this.status === 'live') this.#link?.add(subscription);
  }

  /** @param {Subscription} subscription */
  #remove(subscription) {
    if (this.#subscriptions.delete(subscription)) this.#link?.remove(subscription);
  }

  /** Opens the way that is next to be tried. */
  async #open() {
    this.#openings += 1;
    const opening = this.#openings;
    try {
      await this.#token.fetch();
    } catch (cause) {
      if (opening === this.#openings) this.#wait(asError(cause));
      return;
    }
    if (opening !== this.#openings) return;
    this.#link = this.#linkFor(this.#ladder.level);
    this.#link.start();
  }

  /** @param {number} level */
  #linkFor(level) {
    const transport = /** @type {Transport} */ (this.#transports[level]);
    if (transport === 'websocket') return new WebSocketLink(this.#host);
    return new HttpLink(this.#host, this.#http, transport);
  }

  /**
   * @param {Link} link
   * @param {Record<string, unknown> | null} identity
   */
  #live(link, identity) {
    this.identity = identity;
    if (link === this.#better) this.#moveTo(link);
    else if (this.status !== 'live') this.#settle();
    else this.#watching.tell(); // a renewed token: the server goes on with the subscriptions
  }

  /**
   * Goes over to a better way, from the places that have been reached.
   * @param {Link} link
   */
  #moveTo(link) {
    this.#link?.stop();
    this.#link = link;
    this.#better = null;
    for (const subscription of [...this.#subscriptions]) subscription.lost();
    if (this.#link === link) this.#settle();
  }

  /** What is in use works. */
  #settle() {
    this.#ladder.worked(this.#levelOf(this.#link));
    this.#token.keepFresh(() => this.#link?.renew());
    this.#planBetter();
    this.status = 'live'; // what is added meanwhile goes to the link by itself
    this.error = null;
    for (const subscription of [...this.#subscriptions]) {
      if (!subscription.isOver) this.#link?.add(subscription);
    }
    this.#watching.tell();
  }

  /**
   * @param {Link} link
   * @param {RowcastError} error
   */
  #ended(link, error) {
    if (link === this.#better) {
      this.#betterFailed(link);
      return;
    }
    if (link !== this.#link) return;
    const wasLive = this.status === 'live';
    if (!this.#disconnect()) return;
    if (this.#isFinal(error)) {
      this.#shut(error);
    } else if (wasLive) {
      this.#ladder.lost();
      this.#wait(error);
    } else if (this.#ladder.failed(error.answered)) {
      void this.#open();
    } else {
      this.#wait(error);
    }
  }

  /** @param {Link | null} link */
  #levelOf(link) {
    return link ? this.#transports.indexOf(link.transport) : 0;
  }

  /** @param {RowcastError} error */
  #isFinal(error) {
    if (error.code === 'unauthenticated') return !this.#token.isRenewable;
    return error.fatal;
  }

  /** @param {RowcastError} error why nothing more will be tried */
  #shut(error) {
    const fatal = new RowcastError({ ...error, fatal: true });
    for (const subscription of [...this.#subscriptions]) subscription.fail(fatal);
    this.#subscriptions.clear();
    this.#become('closed', fatal);
  }

  /** @param {RowcastError} error */
  #wait(error) {
    const delay = this.#ladder.rewindMs(error);
    clearTimeout(this.#timers.retry);
    this.#timers.retry = setTimeout(() => this.#retry(), delay);
    this.#become('waiting', error);
  }

  #retry() {
    clearTimeout(this.#timers.retry);
    this.#become('connecting', this.error);
    void this.#open();
  }

  /**
   * Leaves the way in use; what had come since the last commit is void. Tells whether nobody who
   * was told of it has begun something else.
   */
  #disconnect() {
    this.#openings += 1;
    const opening = this.#openings;
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#token.rest();
    this.#link?.stop();
    this.#better?.stop();
    this.#link = null;
    this.#better = null;
    for (const subscription of [...this.#subscriptions]) subscription.lost();
    return opening === this.#openings;
  }

  /** Tries a better way after a while, beside the one in use. */
  #planBetter() {
    const delay = this.#ladder.betterMs;
    clearTimeout(this.#timers.better);
    if (delay !== null) this.#timers.better = setTimeout(() => this.#tryBetter(0), delay);
  }

  /** @param {number} level */
  #tryBetter(level) {
    if (this.status !== 'live' || level >= this.#ladder.level) {
      this.#ladder.betterFailed();
      this.#planBetter();
      return;
    }
    this.#better = this.#linkFor(level);
    this.#better.start();
  }

  /** @param {Link} link */
  #betterFailed(link) {
    link.stop();
    this.#better = null;
    this.#tryBetter(this.#levelOf(link) + 1);
  }

  /**
   * The network or the page is back, or about to go.
   * @param {boolean} isUrgent whether waiting would be in vain
   */
  #wake(isUrgent) {
    if (this.status === 'waiting' && isUrgent) this.#retry();
    else if (this.status === 'live') this.#link?.check();
  }

  /**
   * All take their part in before anybody is told.
   * @param {Subscription[]} subscriptions
   * @param {string} cursor
   */
  #commit(subscriptions, cursor) {
    /** @type {(() => void)[]} */
    const tellings = [];
    for (const subscription of subscriptions) {
      const tell = subscription.commit(cursor);
      if (tell) tellings.push(tell);
    }
    for (const tell of tellings) safely(tell);
  }

  /**
   * @param {ClientStatus} status
   * @param {RowcastError | null} error
   */
  #become(status, error) {
    if (status === this.status && error === this.error) return;
    this.status = status;
    this.error = error;
    this.#watching.tell();
  }
}
