// The WebSocket side of the protocol: one connection, kept alive, with the subscriptions that are
// wanted on it.
//
// Knows nothing of the page. It hands on what the server says, in order, with the subscription's id
// in place of the server's feed number; whoever listens must show nothing of `events` before the
// `commit` that completes them.

import { delayMs, isFinal, meaningOf } from './backoff.js';
import { readFrame } from './frame.js';

const SUBPROTOCOL = 'rowcast.v1';
/** WebSocket.OPEN, whatever the class. */
const OPEN = 1;
/** The server speaks at least every 15 s; a peer that is silent for longer than this is dead. */
const SILENCE_MS = 40_000;
/** A connection that lived this long was a good one: the next failure counts from the start. */
const STEADY_MS = 5_000;
/**
 * A server that admits anonymous readers greets everybody as such before it looks at a token. How
 * long its second greeting may take before the first one counts.
 */
const SECOND_HELLO_MS = 2_000;

/**
 * @typedef {{ table: string, where?: string, columns?: string[], old?: boolean }} Subscription
 *
 * @typedef {{ phase: 'connecting' }
 *   | { phase: 'live', identity: Record<string, unknown> }
 *   | { phase: 'waiting', code: number, reason: string, until: number }
 *   | { phase: 'closed', code: number, reason: string }} Connection
 *
 * @typedef {{ op: 'subscribed', id: string, key: string[], columns: import('./api.js').Column[] }
 *   | { op: 'events', id: string, events: import('./frame.js').RowEvent[] }
 *   | { op: 'commit', cursor: string }
 *   | { op: 'reset', id: string, reason: string }
 *   | { op: 'lost' }
 *   | { op: 'error', id: string | undefined, code: string, detail: string,
 *   position: number | undefined }} Message
 *   `lost`: the connection ended; what came since the last commit is void
 *
 * @typedef {object} Options
 * @property {string} url
 * @property {() => string | null} [token] shown when a connection opens
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
  /** Whether a token was shown to which no `hello` has answered yet. */
  #unanswered = false;
  /** What the server said last before it closes. */
  #complaint = '';
  #failures = 0;
  #openedAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #secondHello;
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
    socket.onopen = () => this.showToken();
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => this.#ended(code, reason);
    this.#listen();
  }

  /** Tells the server who is reading; on a running connection, that the token was renewed. */
  showToken() {
    const token = this.#options.token?.() ?? null;
    if (token === null || this.#socket?.readyState !== OPEN) return;
    this.#unanswered = !this.#greeted;
    this.#send({ op: 'auth', token });
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
        return this.#hello(frame.identity ?? {});
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
        return this.#failed(frame);
      default:
        return undefined; // what a later version adds is not this page's to know
    }
  }

  /** @param {Record<string, unknown>} identity */
  #hello(identity) {
    clearTimeout(this.#secondHello);
    const isAnonymous = Object.keys(identity).length === 0;
    if (this.#unanswered && isAnonymous) {
      this.#unanswered = false;
      this.#secondHello = setTimeout(() => this.#hello(identity), SECOND_HELLO_MS);
      return;
    }
    this.#unanswered = false;
    const isFirst = !this.#greeted;
    this.#greeted = true;
    this.#options.onConnection({ phase: 'live', identity });
    if (!isFirst) return; // a renewed token: the server goes on with the subscriptions
    for (const [id, subscription] of this.#wanted) {
      this.#send({ op: 'subscribe', id, ...subscription });
    }
  }

  /** @param {import('./frame.js').Subscribed} frame */
  #subscribed({ id, feed, key, columns }) {
    if (!this.#wanted.has(id)) return;
    for (const others of this.#feeds.values()) others.delete(id);
    const ids = this.#feeds.get(feed) ?? new Set();
    this.#feeds.set(feed, ids.add(id));
    this.#options.onMessage({ op: 'subscribed', id, key: key ?? [], columns });
  }

  /** @param {import('./frame.js').Fault} frame */
  #failed({ id, code, detail = '', position }) {
    if (id !== undefined) this.#wanted.delete(id);
    else this.#complaint = detail;
    if (code === 'unauthenticated' && id === undefined) return; // the close that follows tells more
    this.#options.onMessage({ op: 'error', id, code, detail, position });
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
    const reason = said || this.#complaint || meaningOf(code);
    this.#drop();
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
    clearTimeout(this.#secondHello);
    this.#feeds.clear();
    this.#greeted = false;
    this.#unanswered = false;
    this.#complaint = '';
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
    this.#options.onMessage({ op: 'lost' });
  }
}
