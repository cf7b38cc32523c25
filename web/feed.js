// The WebSocket side of the protocol: one connection, kept alive, with the subscriptions that are
// wanted on it.
//
// Knows nothing of the page. It hands on what the server says, in order, with the subscription's id
// in place of the server's feed number; whoever listens must show nothing of `events` before the
// `commit` that completes them.

import { delayMs, isFinal, meaningOf } from './backoff.js';
import { readFrame } from './frame.js';

const SUBPROTOCOL = 'rowcast.v1';
/** The server speaks at least every 15 s; a peer that is silent for longer than this is dead. */
const SILENCE_MS = 40_000;
/** A connection that lived this long was a good one: the next failure counts from the start. */
const STEADY_MS = 5_000;

/**
 * @typedef {{ table: string, columns?: string[], old?: boolean }} Subscription
 *
 * @typedef {{ phase: 'connecting' }
 *   | { phase: 'live', identity: Record<string, unknown> }
 *   | { phase: 'waiting', code: number, reason: string, until: number }
 *   | { phase: 'closed', code: number, reason: string }} Connection
 *
 * @typedef {{ op: 'subscribed', id: string, key: string[], columns: string[] }
 *   | { op: 'events', id: string, events: import('./frame.js').RowEvent[] }
 *   | { op: 'commit', cursor: string }
 *   | { op: 'reset', id: string, reason: string }
 *   | { op: 'lost' }
 *   | { op: 'error', id: string | undefined, code: string, detail: string }} Message
 *   `lost`: the connection ended; what came since the last commit is void
 *
 * @typedef {object} Options
 * @property {string} url
 * @property {(connection: Connection) => void} onConnection
 * @property {(message: Message) => void} onMessage
 * @property {typeof WebSocket} [WebSocket]
 * @property {() => number} [random]
 */

/** A connection that comes back by itself. */
export class Feed {
  #options;
  #WebSocket;
  /** @type {WebSocket | null} */
  #socket = null;
  #greeted = false;
  #failures = 0;
  #openedAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence;
  /** @type {Map<string, Subscription>} */
  #wanted = new Map();
  /** The server's feed number → the subscriptions on it. @type {Map<number, Set<string>>} */
  #feeds = new Map();

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    this.#WebSocket = options.WebSocket ?? WebSocket;
  }

  /** Connects now, whatever was planned; also after `closed`. */
  connect() {
    this.#drop();
    this.#options.onConnection({ phase: 'connecting' });
    const socket = new this.#WebSocket(this.#options.url, SUBPROTOCOL);
    this.#socket = socket;
    this.#openedAt = Date.now();
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => this.#ended(code, reason);
    this.#listen();
  }

  /** Ends the connection and doesn't come back. */
  close() {
    this.#drop();
    this.#options.onConnection({ phase: 'closed', code: 1000, reason: 'closed by this page' });
  }

  /**
   * Subscribes, now or as soon as there is a connection, and again after each reconnect.
   * @param {string} id new for every subscription
   * @param {Subscription} subscription
   */
  subscribe(id, subscription) {
    this.#wanted.set(id, subscription);
    if (this.#greeted) this.#send({ op: 'subscribe', id, ...subscription });
  }

  /** @param {string} id */
  unsubscribe(id) {
    if (!this.#wanted.delete(id)) return;
    for (const ids of this.#feeds.values()) ids.delete(id);
    if (this.#greeted) this.#send({ op: 'unsubscribe', id });
  }

  /** @param {string} text */
  #receive(text) {
    this.#listen();
    try {
      this.#handle(readFrame(text));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.#ended(1002, `a frame could not be read: ${error.message}`);
    }
  }

  /** @param {import('./frame.js').Frame} frame */
  #handle(frame) {
    const { onMessage } = this.#options;
    switch (frame.op) {
      case 'hello':
        return this.#greet(frame.identity ?? {});
      case 'subscribed':
        return this.#subscribed(frame);
      case 'events':
        return this.#each(frame.feed, (id) =>
          onMessage({ op: 'events', id, events: frame.events }),
        );
      case 'reset':
        return this.#each(frame.feed, (id) => onMessage({ op: 'reset', id, reason: frame.reason }));
      case 'commit':
        return onMessage({ op: 'commit', cursor: frame.cursor });
      case 'error':
        if (frame.id !== undefined) this.#wanted.delete(frame.id);
        return onMessage({
          op: 'error',
          id: frame.id,
          code: frame.code,
          detail: frame.detail ?? '',
        });
      default:
        return undefined; // what a later version adds is not this page's to know
    }
  }

  /** @param {Record<string, unknown>} identity */
  #greet(identity) {
    this.#greeted = true;
    this.#options.onConnection({ phase: 'live', identity });
    for (const [id, subscription] of this.#wanted) {
      this.#send({ op: 'subscribe', id, ...subscription });
    }
  }

  /** @param {import('./frame.js').Subscribed} frame */
  #subscribed({ id, feed, key, columns }) {
    if (!this.#wanted.has(id)) return;
    const ids = this.#feeds.get(feed) ?? new Set();
    this.#feeds.set(feed, ids.add(id));
    this.#options.onMessage({ op: 'subscribed', id, key: key ?? [], columns });
  }

  /**
   * @param {number} feed
   * @param {(id: string) => void} tell
   */
  #each(feed, tell) {
    this.#feeds.get(feed)?.forEach(tell);
  }

  /** @param {object} message */
  #send(message) {
    this.#socket?.send(JSON.stringify(message));
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#ended(1006, 'the server fell silent'), SILENCE_MS);
  }

  /**
   * @param {number} code
   * @param {string} said
   */
  #ended(code, said) {
    const lived = this.#greeted && Date.now() - this.#openedAt >= STEADY_MS;
    this.#failures = lived ? 1 : this.#failures + 1;
    this.#drop();
    const reason = said || meaningOf(code);
    if (isFinal(code)) {
      this.#options.onConnection({ phase: 'closed', code, reason });
      return;
    }
    const delay = delayMs(this.#failures, code, this.#options.random);
    this.#options.onConnection({ phase: 'waiting', code, reason, until: Date.now() + delay });
    this.#retry = setTimeout(() => this.connect(), delay);
  }

  /** Forgets the connection, if any, and tells the listener that its open batch is void. */
  #drop() {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#feeds.clear();
    this.#greeted = false;
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
    this.#options.onMessage({ op: 'lost' });
  }
}
