// The bar at the top: connection, events per second.

import { formatRate, SECONDS } from '../rate.js';
import { byId, part, setText } from './dom.js';

/**
 * @typedef {import('../client/client.js').Client} Client
 * @typedef {{ status: Client['status'], error: Client['error'],
 *   transport: Client['transport'] }} Connection
 */

const WIDTH = 120;
const HEIGHT = 24;
/** What is read aloud. */
const ANNOUNCED = {
  connecting: 'Connecting',
  live: 'Live',
  waiting: 'Connection lost, reconnecting',
  closed: 'Connection closed',
};
/** Only the demo's daemon is asked for tokens: it is away. */
const NO_TOKEN = 'the daemon is away';
const WAYS = { websocket: '', sse: ' by stream', polling: ' by polling' };

/**
 * @param {Connection} connection
 * @param {boolean} isBack whether it has been live before
 */
export function drawConnection(connection, isBack) {
  const { status, transport } = connection;
  const pill = byId('connection');
  const retry = byId('reconnect');
  pill.dataset.phase = status;
  setText(part(pill, 'span'), describe(connection, isBack));
  setText(byId('announcement'), ANNOUNCED[status]);
  pill.title = transport ? `over ${transport}` : reasonOf(connection);
  retry.hidden = status !== 'waiting' && status !== 'closed';
  setText(retry, status === 'closed' ? 'Connect again' : 'Retry now');
}

/**
 * @param {Connection} connection
 * @param {boolean} isBack
 */
function describe(connection, isBack) {
  switch (connection.status) {
    case 'connecting':
      return isBack ? 'Reconnecting…' : 'Connecting…';
    case 'live':
      return `Live${connection.transport ? WAYS[connection.transport] : ''}`;
    case 'waiting':
      return `Reconnecting: ${reasonOf(connection)}`;
    case 'closed':
      return `Closed: ${reasonOf(connection)}`;
  }
}

/**
 * Why there is no connection.
 * @param {Connection} connection
 */
export function reasonOf({ error }) {
  if (!error) return '';
  if (error.code === 'token_failed') return NO_TOKEN;
  const { detail, code, status } = error;
  return `${detail || code}${status ? ` (${status})` : ''}`;
}

/**
 * @param {number} perSecond
 * @param {number[]} history
 */
export function drawRate(perSecond, history) {
  setText(byId('rate'), formatRate(perSecond));
  const most = Math.max(...history, 4);
  const points = history.map((count, i) => {
    const x = (i / (SECONDS - 1)) * WIDTH;
    const y = HEIGHT - 1 - (count / most) * (HEIGHT - 3);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const line = `M${points.join('L')}`;
  const sparkline = byId('sparkline');
  part(sparkline, '.line').setAttribute('d', line);
  part(sparkline, '.area').setAttribute('d', `${line}V${HEIGHT}H0Z`);
}
