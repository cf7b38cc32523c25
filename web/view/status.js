// The bar at the top: connection, events per second.

import { inBrief, meaningOf } from '../backoff.js';
import { formatRate, SECONDS } from '../rate.js';
import { byId, part, setText } from './dom.js';

/** @typedef {import('../feed.js').Connection} Connection */

const WIDTH = 120;
const HEIGHT = 24;
/** What is read aloud: not the seconds that count down. */
const ANNOUNCED = {
  connecting: 'Connecting',
  live: 'Live',
  waiting: 'Connection lost, reconnecting',
  closed: 'Connection closed',
};

/**
 * @param {Connection} connection
 * @param {number} now
 */
export function drawConnection(connection, now) {
  const pill = byId('connection');
  const retry = byId('reconnect');
  pill.dataset.phase = connection.phase;
  setText(part(pill, 'span'), describe(connection, now));
  setText(byId('announcement'), ANNOUNCED[connection.phase]);
  pill.title = 'code' in connection ? reasonOf(connection) : '';
  retry.hidden = connection.phase !== 'waiting' && connection.phase !== 'closed';
  setText(retry, connection.phase === 'closed' ? 'Connect again' : 'Retry now');
}

/**
 * @param {Connection} connection
 * @param {number} now
 */
function describe(connection, now) {
  switch (connection.phase) {
    case 'connecting':
      return 'Connecting…';
    case 'live':
      return 'Live';
    case 'waiting': {
      const seconds = Math.max(0, Math.ceil((connection.until - now) / 1000));
      return `Reconnecting in ${seconds} s: ${inBrief(connection)}`;
    }
    case 'closed':
      return `Closed: ${reasonOf(connection)}`;
  }
}

/**
 * What the code means, and what the server said beyond that.
 * @param {{ code: number, reason: string }} connection
 */
export function reasonOf({ code, reason }) {
  const meaning = meaningOf(code);
  return reason === meaning || reason === ''
    ? `${meaning} (${code})`
    : `${meaning} (${code}: ${reason})`;
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
