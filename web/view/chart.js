// The shop's chart: drawn for those who see it, and the same numbers as tables for those who don't.

import { revenueByStatus, ordersByMinute } from '../chart.js';
import { showPane } from './controls.js';
import { byId, element, part, setText } from './dom.js';
import { clock } from './value.js';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 300;
const HEIGHT = 64;
/** Of a minute's place, the part that its bar takes. */
const BAR = 0.8;
const LEAST_HEIGHT = 1.5;
const BAR_HEIGHT = 6;

/** @typedef {import('../client/mirror.js').Mirror} Mirror */

/**
 * @param {Mirror | null} orders null: there is none for this reader
 * @param {number} now
 */
export function drawChart(orders, now) {
  const target = byId('shop');
  const isThere = orders !== null && orders.rows.size > 0;
  target.hidden = !isThere;
  byId('show-shop').hidden = !isThere;
  if (!isThere && document.body.dataset.pane === 'shop') showPane('rows');
  if (!isThere) return;
  target.dataset.status = orders.status;
  drawMinutes(part(target, '.minutes'), ordersByMinute(orders.rows.values(), now));
  drawRevenue(part(target, '.revenue'), revenueByStatus(orders.rows.values()));
}

/**
 * @param {HTMLElement} figure
 * @param {import('../chart.js').Minute[]} minutes
 */
function drawMinutes(figure, minutes) {
  if (!isNew(figure, minutes)) return;
  const most = Math.max(...minutes.map(({ orders }) => orders), 1);
  const step = WIDTH / minutes.length;
  const bars = minutes.map(({ at, orders }, i) => {
    const height = Math.max((orders / most) * (HEIGHT - 2), LEAST_HEIGHT);
    const bar = svg('rect', {
      x: (i + (1 - BAR) / 2) * step,
      y: HEIGHT - height,
      width: step * BAR,
      height,
    });
    bar.classList.toggle('now', i === minutes.length - 1);
    const title = svg('title', {});
    title.textContent = `${hour(at)}: ${orders}`;
    bar.append(title);
    return bar;
  });
  part(figure, 'svg')
    .querySelector('g')
    ?.replaceChildren(...bars);
  const now = minutes.at(-1)?.orders ?? 0;
  setText(part(figure, 'b'), String(now));
  const before = minutes.at(-2)?.orders ?? 0;
  setText(part(figure, '.mean'), `this minute, ${before} before`);
  const told = minutes.map(({ at, orders }) => [hour(at), String(orders)]);
  setText(part(figure, 'desc'), told.map((minute) => minute.join(': ')).join(', '));
  fill(figure, told);
}

/**
 * @param {HTMLElement} figure
 * @param {import('../chart.js').Revenue[]} revenue
 */
function drawRevenue(figure, revenue) {
  if (!isNew(figure, revenue)) return;
  const most = Math.max(...revenue.map(({ cents }) => cents), 1);
  const total = revenue.reduce((sum, { cents }) => sum + cents, 0);
  setText(part(figure, 'b'), money(total));
  const rows = revenue.map(({ status, cents, orders }) => {
    const bar = svg('svg', { viewBox: `0 0 100 ${BAR_HEIGHT}`, preserveAspectRatio: 'none' });
    bar.setAttribute('aria-hidden', 'true');
    bar.append(svg('rect', { width: (cents / most) * 100, height: BAR_HEIGHT, class: status }));
    const head = element('th', '', status);
    head.scope = 'row';
    const sum = element('td', 'number sum', money(cents));
    const tr = element('tr', '', head, element('td', 'share', bar), sum);
    tr.append(element('td', 'number', orders.toLocaleString('en')));
    tr.dataset.status = status;
    return tr;
  });
  part(figure, 'tbody').replaceChildren(...rows);
}

/**
 * @param {HTMLElement} figure
 * @param {string[][]} rows
 */
function fill(figure, rows) {
  const made = rows.map(([name = '', ...values]) => {
    const head = element('th', '', name);
    head.scope = 'row';
    return element('tr', '', head, ...values.map((value) => element('td', '', value)));
  });
  part(figure, 'tbody').replaceChildren(...made);
}

/**
 * Whether these numbers aren't drawn already.
 * @param {HTMLElement} figure
 * @param {unknown} numbers
 */
function isNew(figure, numbers) {
  const asText = JSON.stringify(numbers);
  if (figure.dataset.drawn === asText) return false;
  figure.dataset.drawn = asText;
  return true;
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
function svg(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

/** @param {number} cents */
function money(cents) {
  return (cents / 100).toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

/** @param {number} at */
function hour(at) {
  return clock(at).slice(0, 5);
}
