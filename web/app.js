// Puts the page together: who reads, one connection, one chosen table, and the views that draw
// them.

import { hashOf, readHash } from './address.js';
import { fetchTables, nameOf, Refused, socketAddress } from './api.js';
import { delayMs } from './backoff.js';
import { isDemo } from './demo.js';
import { Feed } from './feed.js';
import { Session } from './session.js';
import { listenToControls } from './view/controls.js';
import { Detail } from './view/detail.js';
import { drawEmpty, whyEmpty } from './view/empty.js';
import { EventList } from './view/events.js';
import { FilterBox } from './view/filter.js';
import { drawCounts, drawFoot, drawHead, drawNotice } from './view/head.js';
import { painter } from './view/painter.js';
import { drawClaims, Switch, TokenField } from './view/reader.js';
import { RowTable } from './view/rows.js';
import { drawConnection, drawRate } from './view/status.js';
import { drawTables, drawTitle } from './view/tables.js';
import { Watch } from './watch.js';

const TICK_MS = 500;
/** Wide tables list fewer rows, so that drawing them takes no longer. */
const CELLS_DRAWN = 4_000;
const ROWS_DRAWN_AT_LEAST = 40;
const RENEWED_AT_MOST_EVERY_MS = 1_000;

/** @type {import('./api.js').TableInfo[]} */
let tables = [];
/** @type {import('./view/empty.js').Listing} */
let listing = { phase: 'loading' };
/** @type {import('./feed.js').Connection} */
let connection = { phase: 'connecting' };
/** The table that the reader asked for, also while it isn't there. */
let preferred = '';
/** Whether somebody else reads than when the table was chosen. */
let isAnother = false;
/** The filters in force, by table. @type {Map<string, string>} */
const filters = new Map();
/** @type {string | null} */
let chosenRow = null;
/** @type {import('./state.js').Order} */
let order = 'place';
let loads = 0;
let loadFailures = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let loadAgain;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let renewal;

const redraw = painter(draw);
const session = new Session(isDemo);
const feed = new Feed({
  url: socketAddress(),
  token: () => session.token,
  onConnection,
  onMessage,
});
const watch = new Watch(feed, filtered);
const eventList = new EventList(redraw);
const rowTable = new RowTable((id) => chooseRow(id === chosenRow ? null : id));
const detail = new Detail(() => chooseRow(null));
const filterBox = new FilterBox((where) => {
  watch.filter(where);
  redraw();
});
const identitySwitch = new Switch((name) => {
  session.choose(name);
  readAnew();
});
const tokenField = new TokenField((token, isKept) => {
  session.use(token, isKept);
  readAnew();
});

/** Asks for the tables, and connects once they are known. */
async function load() {
  clearTimeout(loadAgain);
  loads += 1;
  const turn = loads;
  try {
    if (isDemo && session.identities.length === 0) await renew();
    const found = await fetchTables(session.token);
    if (turn !== loads) return;
    listed(found);
  } catch (error) {
    if (turn === loads) loadFailed(/** @type {Error} */ (error));
    return;
  }
  loadFailures = 0;
  feed.connect();
  chooseTable();
  preferred ||= watch.table;
  if (isAnother) preferTable();
  isAnother = false;
}

/** @param {import('./api.js').TableInfo[]} found */
function listed(found) {
  tables = found;
  listing = { phase: 'ready', count: tables.length };
}

/** @param {Error} error */
function loadFailed(error) {
  const status = error instanceof Refused ? error.status : 0;
  if (status === 401 && session.isRenewable) {
    loadAgain = setTimeout(() => renew().then(load, loadFailed), RENEWED_AT_MOST_EVERY_MS);
    return;
  }
  listing = { phase: 'failed', error, hasToken: session.token !== null };
  const reason = error.message;
  if (status === 401 || status === 403) {
    connection = { phase: 'closed', code: 4000 + status, reason };
    if (status === 401 && !isDemo) tokenField.ask();
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
  const turn = loads;
  try {
    const found = await fetchTables(session.token);
    if (turn === loads) listed(found);
  } catch (error) {
    if (turn !== loads || !(error instanceof Refused && [401, 403].includes(error.status))) return;
    feed.close();
    loadFailed(error);
    return;
  }
  drawTables(tables, watch.table, filters);
}

/** Starts over as somebody else: nothing that was seen before stays. */
function readAnew() {
  feed.close();
  connection = { phase: 'connecting' };
  listing = { phase: 'loading' };
  watch.stop();
  chosenRow = null;
  eventList.restart();
  drawClaims(null);
  isAnother = true;
  redraw();
  load();
}

/** Shows the table that was asked for, or the first where it isn't for this reader. */
function preferTable() {
  const [first] = tables;
  if (!first || (watch.table === preferred && find(preferred))) return;
  const name = find(preferred) ? preferred : nameOf(first);
  history.replaceState(null, '', hashOf(name, filters.get(name)));
  chooseTable();
  if (name !== preferred) watch.notify({ kind: 'elsewhere', at: Date.now(), reason: preferred });
}

/** @param {string} name */
function find(name) {
  return tables.find((table) => nameOf(table) === name);
}

/** Gets fresh tokens, and again before they end. */
async function renew() {
  clearTimeout(renewal);
  await session.fetch();
  identitySwitch.draw(session.identities, session.chosen?.name ?? '');
  feed.showToken();
  const wait = session.renewInMs;
  if (wait !== null) renewal = setTimeout(() => renew().catch(() => {}), wait);
}

function chooseTable() {
  const { table: wanted, where } = readHash(location.hash);
  const [first] = tables;
  if (!wanted && first) {
    history.replaceState(null, '', hashOf(nameOf(first)));
    chooseTable();
    return;
  }
  filters.set(wanted, where);
  chosenRow = null;
  eventList.restart();
  const table = find(wanted);
  watch.choose(wanted, where, table);
  filterBox.show(where);
  drawTables(tables, wanted, filters);
  drawTitle(table);
  tick();
}

/** Another filter has taken force. */
function filtered() {
  const { table, where } = watch;
  filters.set(table, where);
  history.replaceState(null, '', hashOf(table, where));
  chosenRow = null;
  eventList.restart();
  filterBox.show(where);
  drawTables(tables, table, filters);
}

/** @param {string | null} id */
function chooseRow(id) {
  chosenRow = id;
  redraw();
}

/** @param {import('./feed.js').Connection} next */
function onConnection(next) {
  const isBack = next.phase === 'live' && watch.state.subscription.phase === 'ready';
  connection = next;
  if (next.phase === 'live') {
    session.accepted();
    drawClaims(next.identity);
  }
  if (next.phase === 'closed' && next.code === 4401) credentialEnded();
  else if (isBack || (next.phase === 'waiting' && next.code === 1006)) refresh();
  redraw();
}

function credentialEnded() {
  if (!session.isRenewable) {
    if (!isDemo) tokenField.ask();
    return;
  }
  const until = Date.now() + RENEWED_AT_MOST_EVERY_MS;
  connection = { phase: 'waiting', code: 4401, reason: 'the token has ended', until };
  loadAgain = setTimeout(() => {
    renew().then(() => feed.connect(), loadFailed);
  }, RENEWED_AT_MOST_EVERY_MS);
}

/** @param {import('./feed.js').Message} message */
function onMessage(message) {
  watch.receive(message, Date.now());
  if (message.op !== 'events') redraw();
}

function tick() {
  const now = Date.now();
  watch.sweep(now);
  drawRate(watch.rate.perSecond(now), watch.rate.history(now));
  redraw();
}

function draw() {
  const { shown, key, columns, subscription } = watch.state;
  const rows = rowsInOrder();
  const known = listing.phase === 'ready' && find(watch.table) !== undefined;
  drawConnection(connection, Date.now());
  drawHead(known || listing.phase === 'loading');
  drawCounts(shown.counts);
  drawNotice(shown.notice, watch.table);
  drawFoot(rows.length, subscription);
  filterBox.drawFault(watch.fault);
  tokenField.draw(!isDemo, session.token !== null);
  rowTable.draw({ key, columns, rows, chosen: chosenRow });
  detail.draw(watch.table, columns, chosenRow === null ? null : shown.rows.get(chosenRow));
  eventList.draw(shown.events, shown.total);
  const table = { name: watch.table, known, keyed: key.length > 0, where: watch.where };
  drawEmpty(rows.length > 0 ? null : whyEmpty(listing, connection, table, subscription));
}

function rowsInOrder() {
  const rows = [...watch.state.shown.rows.values()];
  if (order === 'place') rows.reverse();
  else rows.sort((a, b) => b.revision - a.revision);
  const most = Math.floor(CELLS_DRAWN / watch.state.columns.length);
  return rows.slice(0, Math.max(ROWS_DRAWN_AT_LEAST, most));
}

function listen() {
  window.addEventListener('hashchange', () => {
    preferred = readHash(location.hash).table;
    chooseTable();
  });
  window.addEventListener('online', reconnect);
  listenToControls({
    reconnect,
    close: () => chooseRow(null),
    clear() {
      watch.clear();
      eventList.restart();
      chooseRow(null);
    },
    order(wanted) {
      order = wanted;
      redraw();
    },
    dismiss() {
      watch.notify(null);
      redraw();
    },
  });
}

function reconnect() {
  if (listing.phase === 'failed') load();
  else if (connection.phase !== 'live') feed.connect();
}

listen();
setInterval(tick, TICK_MS);
load();
