// All subscriptions over one WebSocket. Serves until the connection ends; coming back is not its
// to decide.

import { RowcastError, asError, errorOfClose, isFinal } from './errors.js';
import { parse, stringify } from './json.js';

const SUBPROTOCOL = 'rowcast.v1';
/** WebSocket.OPEN, whatever the class. */
const OPEN = 1;
/** How long an answer to a ping may take. */
const PONG_MS = 5_000;
/** Closes that only the daemon itself says. */
const OWN_CLOSES = [1008, 1012, 1013];
/** After how long a subscription that was refused for now is asked for again. */
const AGAIN_MS = 2_000;
/** Some servers greet everybody as nobody before they have looked at the token. */
const SECOND_HELLO_MS = 2_000;

/**
 * @typedef {import('./subscription.js').Subscription} Subscription
 * @typedef {import('./link.js').Host} Host
 * @typedef {import('./link.js').Link} Link
 * @typedef {ReturnType<typeof setTimeout>} Timer
 */

/** @implements {Link} */
export class WebSocketLink {
  transport = /** @type {const} */ ('websocket');
  #host;
  /** @type {WebSocket | null} */
  #socket = null;
  #isLive = false;
  #heardAt = 0;
  /** What the server said last before it closes. @type {RowcastError | null} */
  #complaint = null;
  #ids = 0;
  /** @type {Map<string, Subscription>} */
  #byId = new Map();
  /** The server's feed number → the subscriptions on it. @type {Map<number, Set<string>>} */
  #feeds = new Map();
  /** Those that go on from a place, until the server has taken them: no commit shows before. */
  #awaited = new Set();
  /** A commit held back for their sake, if nothing has come since. @type {string | null} */
  #heldCursor = null;
  /** @type {Timer | undefined} */
  #silence;
  /** @type {Timer | undefined} */
  #opening;
  /** @type {Set<Timer>} */
  #again = new Set();

  /** @param {Host} host */
  constructor(host) {
    this.#host = host;
  }

  start() {
    const host = this.#host;
    const url = host.address('v1/ws');
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = this.#socketTo(url);
    if (!socket) return;
    this.#socket = socket;
    socket.onopen = () => this.renew();
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onerror = () => {};
    socket.onclose = ({ code, reason }) =>
      this.#end(this.#complaint ?? errorOfClose(code, reason), code);
    this.#opening = setTimeout(
      () => this.#end(errorOfClose(1006, 'no hello')),
      host.timing.helloMs,
    );
  }

  /**
   * Browsers refuse some addresses at once: a page over TLS may only have sockets over TLS.
   * @param {URL} url
   */
  #socketTo(url) {
    try {
      return new this.#host.WebSocket(url.href, SUBPROTOCOL);
    } catch (cause) {
      queueMicrotask(() => this.#end(errorOfClose(1006, asError(cause).detail)));
      return null;
    }
  }

  stop() {
    clearTimeout(this.#silence);
    clearTimeout(this.#opening);
    for (const timer of this.#again) clearTimeout(timer);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  /** Shows the token, or a new one. */
  renew() {
    const { token } = this.#host;
    if (token !== null) this.#send({ op: 'auth', token });
  }

  /** @param {Subscription} subscription */
  add(subscription) {
    this.#ids += 1;
    const id = String(this.#ids);
    this.#byId.set(id, subscription);
    const cursor = subscription.place;
    if (cursor !== null) this.#awaited.add(id);
    subscription.asked();
    this.#send({ op: 'subscribe', id, ...subscription.wanted, cursor });
  }

  /** @param {Subscription} subscription */
  remove(subscription) {
    for (const [id, known] of this.#byId) {
      if (known !== subscription) continue;
      this.#drop(id);
      this.#send({ op: 'unsubscribe', id });
    }
  }

  /** Finds out whether the connection lives. */
  check() {
    if (!this.#isLive) return;
    const since = this.#heardAt;
    this.#send({ op: 'ping', nonce: 'check' });
    clearTimeout(this.#opening);
    this.#opening = setTimeout(() => {
      if (this.#heardAt === since) this.#end(errorOfClose(1006, 'the server fell silent'));
    }, PONG_MS);
  }

  /** @param {object} message */
  #send(message) {
    if (this.#socket?.readyState === OPEN) this.#socket.send(stringify(message));
  }

  /** @param {unknown} data */
  #receive(data) {
    this.#heard();
    let frame;
    try {
      frame = parse(String(data), this.#host.bigint);
    } catch {
      this.#end(errorOfClose(1002, 'a frame could not be read'));
      return;
    }
    this.#handle(frame);
  }

  #heard() {
    this.#heardAt = performance.now();
    this.#silence ??= setTimeout(() => this.#listened(), this.#host.timing.silenceMs);
  }

  /** One timer at a time, however many frames come. */
  #listened() {
    const left = this.#heardAt + this.#host.timing.silenceMs - performance.now();
    if (left > 0) this.#silence = setTimeout(() => this.#listened(), left);
    else this.#end(errorOfClose(1006, 'the server fell silent'));
  }

  /** @param {any} frame */
  #handle(frame) {
    switch (frame.op) {
      case 'hello':
        return this.#hello(frame.identity ?? {});
      case 'subscribed':
        return this.#subscribed(frame);
      case 'rows':
        return this.#each(frame.feed, (subscription) => subscription.rows(frame.rows));
      case 'synced':
        return this.#each(frame.feed, (subscription) => subscription.synced(frame));
      case 'events':
        return this.#each(frame.feed, (subscription) => subscription.events(frame.events));
      case 'commit':
        return this.#commit(frame.cursor);
      case 'reset':
        return this.#each(frame.feed, (subscription) => subscription.reset(frame.reason));
      case 'error':
        return this.#failed(frame);
      default:
        return undefined; // what a later version adds is not this client's to know
    }
  }

  /** @param {Record<string, unknown>} identity */
  #hello(identity) {
    const isNobody = Object.keys(identity).length === 0;
    clearTimeout(this.#opening);
    if (isNobody && this.#host.token !== null && !this.#isLive) {
      this.#opening = setTimeout(() => this.#live(identity), SECOND_HELLO_MS);
    } else this.#live(identity);
  }

  /** @param {Record<string, unknown>} identity */
  #live(identity) {
    clearTimeout(this.#opening);
    this.#isLive = true;
    this.#host.live(this, identity);
  }

  /** @param {{ id: string, feed: number, cursor?: string }} frame */
  #subscribed(frame) {
    const subscription = this.#byId.get(frame.id);
    if (!subscription) return;
    for (const ids of this.#feeds.values()) ids.delete(frame.id);
    const ids = this.#feeds.get(frame.feed) ?? new Set();
    this.#feeds.set(frame.feed, ids.add(frame.id));
    this.#awaited.delete(frame.id);
    subscription.begun(frame);
  }

  /** @param {string} cursor */
  #commit(cursor) {
    this.#heldCursor = this.#awaited.size > 0 ? cursor : null; // the next commit covers it
    if (this.#heldCursor === null) this.#host.commit([...this.#byId.values()], cursor);
  }

  /** @param {{ id?: string, code: string, detail?: string, position?: number }} frame */
  #failed({ id, ...said }) {
    const error = new RowcastError({ ...said, fatal: isFinal(said.code), answered: true });
    const subscription = id === undefined ? undefined : this.#byId.get(id);
    if (!subscription || id === undefined) {
      if (id === undefined) this.#complaint = error;
      return;
    }
    this.#drop(id);
    if (isExpiry(error.code) && subscription.place !== null) {
      subscription.reset(error.code);
      this.add(subscription);
    } else if (error.fatal) {
      subscription.fail(error);
    } else this.#askAgain(subscription);
    if (this.#heldCursor !== null) this.#commit(this.#heldCursor);
  }

  /** @param {Subscription} subscription */
  #askAgain(subscription) {
    const timer = setTimeout(() => {
      this.#again.delete(timer);
      if (!subscription.isOver) this.add(subscription);
    }, AGAIN_MS);
    this.#again.add(timer);
  }

  /** @param {string} id */
  #drop(id) {
    this.#byId.delete(id);
    this.#awaited.delete(id);
    for (const ids of this.#feeds.values()) ids.delete(id);
  }

  /**
   * @param {number} feed
   * @param {(subscription: Subscription) => void} tell
   */
  #each(feed, tell) {
    this.#heldCursor = null;
    for (const id of this.#feeds.get(feed) ?? []) {
      const subscription = this.#byId.get(id);
      if (subscription && !subscription.isOver) tell(subscription);
    }
  }

  /**
   * @param {RowcastError} why
   * @param {number} [code]
   */
  #end(why, code = why.status) {
    this.stop();
    const meant = code === undefined ? why : errorOfClose(code, why.detail);
    const isOwn = code !== undefined && (code >= 4000 || OWN_CLOSES.includes(code));
    this.#host.ended(this, new RowcastError({ ...meant, answered: why.answered || isOwn }));
  }
}

/** @param {string} code */
export function isExpiry(code) {
  return code === 'cursor_expired' || code === 'invalid_cursor';
}
