// Puts the page together: who reads, one client, the open tables as its mirrors, and the views that
// draw them.

import { hashOf, readHash } from './address.js';
import { base, nameOf } from './api.js';
import { COLUMNS } from './chart.js';
import { connect } from './client.js';
import { isDemo } from './demo.js';
import { Log } from './log.js';
import { Panel } from './panel.js';
import { Rate } from './rate.js';
import { Session } from './session.js';
import { drawChart } from './view/chart.js';
import { listenToControls } from './view/controls.js';
import { Detail } from './view/detail.js';
import { arrange, byId, setText } from './view/dom.js';
import { drawEmpty, whyNoTable } from './view/empty.js';
import { EventList } from './view/events.js';
import { painter } from './view/painter.js';
import { PanelView } from './view/panel.js';
import { drawClaims, Switch, TokenField } from './view/reader.js';
import { drawConnection, drawRate } from './view/status.js';
import { drawTables, MAX_OPEN } from './view/tables.js';

/**
 * @typedef {import('./api.js').TableInfo} TableInfo
 * @typedef {import('./client/client.js').Client} Client
 */

const TICK_MS = 500;
const LISTED_AGAIN_MS = 2_000;

/** @type {Client} */
let client;
/** Whether this client has been live. */
let wasLive = false;
/** @type {TableInfo[]} */
let tables = [];
/** @type {import('./view/empty.js').Listing} */
let listing = { phase: 'loading' };
/** @type {ReturnType<typeof setTimeout> | undefined} */
let listAgain;
/** The open tables by name, in their order. @type {Map<string, PanelView>} */
const open = new Map();
/** The filters in force, by table, also of those that aren't open. @type {Map<string, string>} */
const filters = new Map();
/** @type {{ table: string, key: import('./client/key.js').Key } | null} */
let chosen = null;
/** The demo's orders, for its chart. @type {import('./client/mirror.js').Mirror | null} */
let orders = null;
let rate = new Rate();
let log = new Log();

const redraw = painter(draw);
const session = new Session(isDemo, () => identitySwitch.draw(session.identities, session.name));
const eventList = new EventList(redraw);
const detail = new Detail(() => choose(null));
const identitySwitch = new Switch((name) => {
  session.choose(name);
  begin();
});
const tokenField = new TokenField((token, isKept) => {
  session.use(token, isKept);
  begin();
});

/** Starts over as whoever reads now: nothing that was seen before stays. */
function begin() {
  client?.close();
  for (const { panel } of open.values()) panel.close();
  open.clear();
  orders = null;
  tables = [];
  listing = { phase: 'loading' };
  wasLive = false;
  forget();
  drawClaims(null);
  const next = connect({ url: base(), token: session.credential });
  client = next;
  next.watch(() => next === client && connectionChanged());
  draw(); // at once: what another may see is gone
  void list();
}

function forget() {
  chosen = null;
  log = new Log();
  rate = new Rate();
  eventList.restart();
}

/** Asks for the tables; once they are known, those are opened that the address names. */
async function list() {
  clearTimeout(listAgain);
  const asked = client;
  try {
    const found = await asked.tables();
    if (asked !== client) return;
    tables = found;
    listing = { phase: 'ready', count: found.length };
    openTables();
  } catch (error) {
    if (asked === client)
      listFailed(/** @type {import('./client/errors.js').RowcastError} */ (error));
  }
  redraw();
}

/** @param {import('./client/errors.js').RowcastError} error */
function listFailed(error) {
  if (listing.phase !== 'ready') listing = { phase: 'failed', error, hasToken: session.hasToken };
  if (error.status === 401 && !isDemo) {
    listing = { phase: 'failed', error, hasToken: session.hasToken };
    client.close();
    tokenField.ask();
  } else if (listing.phase === 'failed') {
    listAgain = setTimeout(list, LISTED_AGAIN_MS);
  }
}

/** Opens the tables that the address names and this reader has, and closes the others. */
function openTables() {
  const [first] = tables;
  if (location.hash.length < 2 && first) {
    history.replaceState(null, '', hashOf([{ table: nameOf(first), where: '' }]));
  }
  const wanted = readHash(location.hash);
  const there = wanted.filter(({ table }) => find(table)).slice(0, MAX_OPEN);
  const places = there.length > 0 || !first ? there : [{ table: nameOf(first), where: '' }];
  for (const [name, { panel }] of open) {
    const place = places.find(({ table }) => table === name);
    if (place && place.where === panel.where && isUnchanged(panel)) continue;
    panel.close();
    open.delete(name);
    forgetEvents(name);
  }
  const before = new Map(open);
  open.clear();
  for (const place of places) open.set(place.table, before.get(place.table) ?? openTable(place));
  if (chosen && !open.has(chosen.table)) chosen = null;
  drawMissing(wanted.filter(({ table }) => !find(table)));
  watchOrders();
  tick();
}

/** @param {string} name */
function find(name) {
  return tables.find((table) => nameOf(table) === name);
}

/** @param {Panel} panel */
function isUnchanged({ name, info }) {
  return JSON.stringify(find(name)) === JSON.stringify(info);
}

/** @param {import('./address.js').Place} place */
function openTable({ table, where }) {
  filters.set(table, where);
  const info = /** @type {TableInfo} */ (find(table));
  const panel = new Panel(client, info, where, {
    changed: redraw,
    happened(events) {
      log.add(events);
      rate.add(events.length, Date.now());
      redraw();
    },
    filtered: () => filtered(table, panel.where),
  });
  return new PanelView(panel, (key) => choose({ table, key }));
}

/** @param {string} name */
function forgetEvents(name) {
  log.forget(name);
  eventList.restart();
}

/**
 * Another filter has taken force.
 * @param {string} name
 * @param {string} filter
 */
function filtered(name, filter) {
  filters.set(name, filter);
  forgetEvents(name);
  const places = [...open].map(([table, { panel }]) => ({ table, where: panel.where }));
  history.replaceState(null, '', hashOf(places));
  chosen = null;
  redraw();
}

/** The demo's chart is computed from a mirror of its own, whatever else is open. */
function watchOrders() {
  const names = find('orders')?.columns.map(({ name }) => name) ?? [];
  const isThere = isDemo && COLUMNS.every((name) => names.includes(name));
  if (!isThere || orders?.status === 'error') {
    orders?.close();
    orders = null;
  }
  if (!isThere || orders) return;
  orders = client.mirror('orders', { columns: COLUMNS });
  orders.watch(redraw);
}

/** @param {import('./address.js').Place[]} missing tables that aren't there for this reader */
function drawMissing(missing) {
  const names = missing.map(({ table }) => table).join(', ');
  const verb = missing.length === 1 ? "isn't" : "aren't";
  const text = `${names} ${verb} there for this reader.`;
  byId('missing').hidden = names === '';
  setText(byId('missing'), names && text);
}

/** @param {{ table: string, key: import('./client/key.js').Key } | null} row */
function choose(row) {
  const isSame = row && chosen?.table === row.table && chosen.key === row.key;
  chosen = isSame ? null : row;
  redraw();
}

function connectionChanged() {
  const { status, error, identity } = client;
  if (status === 'live') {
    drawClaims(identity);
    if (wasLive || listing.phase === 'failed') void list();
    wasLive = true;
  }
  if (status === 'closed' && error?.code === 'unauthenticated' && !isDemo) tokenField.ask();
  redraw();
}

function tick() {
  const now = Date.now();
  for (const { panel } of open.values()) panel.recent.sweep(now);
  drawRate(rate.perSecond(now), rate.history(now));
  drawChart(orders, now);
  redraw();
}

function draw() {
  const { status, error, transport } = client;
  const connection = { status, error, transport };
  drawConnection(connection, wasLive);
  arrange(
    byId('panels'),
    [...open.values()].map((view) => view.element),
  );
  for (const [name, view] of open) {
    view.draw(connection, chosen?.table === name ? chosen.key : null);
  }
  drawEmpty(byId('empty'), open.size > 0 ? null : whyNoTable(listing, connection));
  drawDetail();
  eventList.draw(log.events, log.total);
  drawTables(
    tables,
    [...open].map(([table, { panel }]) => ({ table, where: panel.where })),
    filters,
  );
  tokenField.draw(!isDemo, session.hasToken);
  document.body.dataset.open = String(open.size);
  document.title = open.size > 0 ? `${[...open.keys()].join(', ')} · rowcast` : 'rowcast';
}

function drawDetail() {
  const panel = chosen && open.get(chosen.table)?.panel;
  if (!chosen || !panel) {
    detail.draw('', [], null);
    return;
  }
  const row = panel.row(chosen.key);
  const entry = row && { row, mark: panel.recent.marks.get(chosen.key) };
  detail.draw(`${panel.name} ${String(chosen.key)}`, panel.columns, entry);
}

function listen() {
  window.addEventListener('hashchange', openTables);
  listenToControls({
    reconnect() {
      if (listing.phase === 'failed' || client.status === 'closed') begin();
      else client.reconnect();
    },
    close: () => choose(null),
    clear() {
      log.clear();
      eventList.restart();
      for (const { panel } of open.values()) panel.recent.clear();
      choose(null);
    },
  });
}

listen();
begin();
setInterval(tick, TICK_MS);
