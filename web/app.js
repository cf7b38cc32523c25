// Puts the page together: one connection, one chosen table, and the views that draw them.

import { fetchTables, nameOf, Refused, socketAddress } from './api.js';
import { delayMs } from './backoff.js';
import { Feed } from './feed.js';
import { Rate } from './rate.js';
import { begin, clear, reduce, sweep } from './state.js';
import { Detail } from './view/detail.js';
import { byId } from './view/dom.js';
import { drawEmpty, whyEmpty } from './view/empty.js';
import { EventList } from './view/events.js';
import { drawCounts, drawFoot, drawNotice } from './view/head.js';
import { painter } from './view/painter.js';
import { RowTable } from './view/rows.js';
import { drawConnection, drawRate } from './view/status.js';
import { drawTables, drawTitle, hashOf, tableIn } from './view/tables.js';

const TICK_MS = 500;
/** Wide tables list fewer rows, so that drawing them takes no longer. */
const CELLS_DRAWN = 4_000;
const ROWS_DRAWN_AT_LEAST = 40;

/** @type {import('./api.js').TableInfo[]} */
let tables = [];
/** @type {import('./view/empty.js').Listing} */
let listing = { phase: 'loading' };
/** @type {import('./feed.js').Connection} */
let connection = { phase: 'connecting' };
let chosenTable = '';
/** @type {string | null} */
let chosenRow = null;
/** @type {import('./state.js').Order} */
let order = 'place';
let state = begin({ key: [], columns: [] });
let rate = new Rate();
let subscriptions = 0;
let loadFailures = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let loadAgain;

const redraw = painter(draw);
const eventList = new EventList(redraw);
const rowTable = new RowTable((id) => chooseRow(id === chosenRow ? null : id));
const detail = new Detail(() => chooseRow(null));
const feed = new Feed({ url: socketAddress(), onConnection, onMessage });

/** Asks for the tables, and connects once they are known. */
async function load() {
  clearTimeout(loadAgain);
  try {
    tables = await fetchTables();
  } catch (error) {
    return loadFailed(/** @type {Error} */ (error));
  }
  loadFailures = 0;
  listing = { phase: 'ready', count: tables.length };
  feed.connect();
  return chooseTable();
}

/** @param {Error} error */
function loadFailed(error) {
  listing = { phase: 'failed', error };
  const reason = error.message;
  if (error instanceof Refused && [401, 403].includes(error.status)) {
    connection = { phase: 'closed', code: 4000 + error.status, reason };
  } else {
    loadFailures += 1;
    const delay = delayMs(loadFailures, 0);
    connection = { phase: 'waiting', code: 1006, reason, until: Date.now() + delay };
    loadAgain = setTimeout(load, delay);
  }
  redraw();
}

/**
 * The tables may have changed while there was no connection, and so may what this reader is
 * allowed.
 */
async function refresh() {
  try {
    tables = await fetchTables();
  } catch (error) {
    if (!(error instanceof Refused && [401, 403].includes(error.status))) return;
    feed.close();
    loadFailed(error);
    return;
  }
  listing = { phase: 'ready', count: tables.length };
  drawTables(tables, chosenTable);
}

function chooseTable() {
  const wanted = tableIn(location.hash);
  const first = tables[0];
  if (!wanted && first) {
    history.replaceState(null, '', hashOf(nameOf(first)));
    chooseTable();
    return;
  }
  const table = tables.find((candidate) => nameOf(candidate) === wanted);
  feed.unsubscribe(subscriptionId());
  subscriptions += 1;
  chosenTable = wanted;
  chosenRow = null;
  state = begin(table ?? { key: [], columns: [] });
  rate = new Rate();
  eventList.restart();
  if (table) feed.subscribe(subscriptionId(), { table: wanted });
  drawTables(tables, wanted);
  drawTitle(table);
  tick();
}

function subscriptionId() {
  return `page-${subscriptions}`;
}

/** @param {string | null} id */
function chooseRow(id) {
  chosenRow = id;
  redraw();
}

/** @param {import('./feed.js').Connection} next */
function onConnection(next) {
  const isBack = next.phase === 'live' && state.subscription.phase === 'ready';
  connection = next;
  if (isBack || (next.phase === 'waiting' && next.code === 1006)) refresh();
  redraw();
}

/** @param {import('./feed.js').Message} message */
function onMessage(message) {
  if ('id' in message && message.id !== undefined && message.id !== subscriptionId()) return;
  const before = state.shown;
  state = reduce(state, message, Date.now());
  if (message.op === 'events') return;
  rate.add(state.shown.total - before.total, Date.now());
  redraw();
}

function tick() {
  const now = Date.now();
  state = sweep(state, now);
  drawRate(rate.perSecond(now), rate.history(now));
  redraw();
}

function draw() {
  const { shown, key, columns, subscription } = state;
  const rows = rowsInOrder();
  const known = tables.some((table) => nameOf(table) === chosenTable);
  drawConnection(connection, Date.now());
  drawCounts(shown.counts);
  drawNotice(shown.notice, chosenTable);
  drawFoot(rows.length, subscription);
  rowTable.draw({ key, columns, rows, chosen: chosenRow });
  detail.draw(chosenTable, columns, chosenRow === null ? null : shown.rows.get(chosenRow));
  eventList.draw(shown.events, shown.total);
  const table = { name: chosenTable, known, keyed: key.length > 0 };
  drawEmpty(rows.length > 0 ? null : whyEmpty(listing, connection, table, subscription));
}

function rowsInOrder() {
  const rows = [...state.shown.rows.values()];
  if (order === 'place') rows.reverse();
  else rows.sort((a, b) => b.revision - a.revision);
  return rows.slice(
    0,
    Math.max(ROWS_DRAWN_AT_LEAST, Math.floor(CELLS_DRAWN / state.columns.length)),
  );
}

/** @param {string} pane */
function showPane(pane) {
  document.body.dataset.pane = pane;
  for (const button of document.querySelectorAll('[data-show]')) {
    button.setAttribute('aria-pressed', String(button.getAttribute('data-show') === pane));
  }
}

function listen() {
  window.addEventListener('hashchange', chooseTable);
  window.addEventListener('online', reconnect);
  window.addEventListener('keydown', ({ key }) => key === 'Escape' && chooseRow(null));
  byId('reconnect').addEventListener('click', reconnect);
  byId('clear').addEventListener('click', () => {
    state = clear(state);
    eventList.restart();
    redraw();
  });
  byId('order').addEventListener('change', ({ target }) => {
    order = /** @type {import('./state.js').Order} */ (
      /** @type {HTMLSelectElement} */ (target).value
    );
    redraw();
  });
  byId('notice').addEventListener('click', ({ target }) => {
    if (!(target instanceof HTMLButtonElement)) return;
    state = { ...state, shown: { ...state.shown, notice: null } };
    redraw();
  });
  document.addEventListener('click', ({ target }) => {
    const pane =
      target instanceof Element && target.closest('[data-show]')?.getAttribute('data-show');
    if (pane) showPane(pane);
  });
}

function reconnect() {
  if (listing.phase === 'failed') load();
  else if (connection.phase !== 'live') feed.connect();
}

listen();
setInterval(tick, TICK_MS);
load();
