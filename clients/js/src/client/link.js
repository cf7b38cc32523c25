// What transports and the client know of each other.

/**
 * @typedef {import('./subscription.js').Subscription} Subscription
 * @typedef {import('./errors.js').RowcastError} RowcastError
 * @typedef {'websocket' | 'sse' | 'polling'} Transport
 *
 * @typedef {object} Link a way to the server, from `start` until it has `ended` or is stopped
 * @property {Transport} transport
 * @property {() => void} start tells the host `live` when it is sure that this way gets through
 * @property {() => void} stop nothing is told after
 * @property {(subscription: Subscription) => void} add once it is live
 * @property {(subscription: Subscription) => void} remove
 * @property {() => void} renew the host has a new token
 * @property {() => void} check finds out whether the server can still be reached
 *
 * @typedef {object} Host the client, as its transports see it
 * @property {string | null} token
 * @property {import('./json.js').BigintMode} bigint
 * @property {Timing} timing
 * @property {typeof globalThis.WebSocket} WebSocket
 * @property {typeof globalThis.fetch} fetch
 * @property {(path: string) => URL} address
 * @property {() => Subscription[]} subscriptions
 * @property {(link: Link, identity: Record<string, unknown> | null) => void} live
 * @property {(link: Link, error: RowcastError) => void} ended
 * @property {(subscriptions: Subscription[], cursor: string) => void} commit what came for these is
 *   complete, for all of them together
 *
 * @typedef {object} Timing milliseconds
 * @property {number} helloMs until a WebSocket must have said hello, and a request been answered
 * @property {number} firstBytesMs until an event stream must have begun
 * @property {number} silenceMs without a word from the server it is dead
 * @property {number} pollMs how long the server may wait before it answers a poll
 * @property {number} shortPollMs between polls that don't wait
 * @property {number} betterFirstMs until a better transport is tried again; doubles
 * @property {number} betterMostMs
 * @property {number} renewLeastMs between two renewals of a token
 * @property {number} retryFirstMs until what failed is tried again; doubles, with jitter
 * @property {number} retryMostMs
 */

/** @type {Timing} */
export const TIMING = {
  helloMs: 10_000,
  firstBytesMs: 8_000,
  silenceMs: 45_000,
  pollMs: 25_000,
  shortPollMs: 2_000,
  betterFirstMs: 5_000,
  betterMostMs: 300_000,
  renewLeastMs: 10_000,
  retryFirstMs: 500,
  retryMostMs: 30_000,
};
