// What the tests of the page have in common: a browser for all, a server and a page for each.

import { after, afterEach, before, beforeEach } from 'node:test';
import { launch, open } from './browser.js';
import { FakeServer } from './fake-server.js';

/** The running test's server and page. */
class Stage {
  /** @type {FakeServer} */
  server;
  /** @type {import('playwright-core').Page} */
  page;
  /** What the browser has complained about. @type {string[]} */
  complaints;

  /** Opens the page. */
  async open(hash = '', options = {}) {
    const opened = await open(browser, this.server.url + hash, options);
    Object.assign(this, opened);
  }
}

export const stage = new Stage();
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());

beforeEach(async () => {
  stage.server = await FakeServer.start();
});
afterEach(async () => {
  await stage.page?.context().close();
  await stage.server.stop();
});

/** Opens the page on orders and waits until it is connected. */
export async function visit(hash = '#table=orders', options = {}) {
  await stage.open(hash, options);
  await phase('live');
}

/** Waits for the connection to be in this phase. */
export const phase = (name) => stage.page.locator(`#connection[data-phase="${name}"]`).waitFor();

/** Waits until all of a table's rows are there. */
export const live = (table = 'orders') =>
  stage.page.locator(`.panel[data-table="${table}"][data-status="live"]`).waitFor();

/** What stands in the rows' place. */
export const empty = () => stage.page.locator('.panel .empty').innerText();

export const row = (id) => stage.page.locator(`tbody tr[data-key="${id}"]`);

/** The cell of a row, by its column. */
export async function cell(id, column) {
  const headings = await stage.page.locator('.panel thead th').allInnerTexts();
  return row(id).locator('th, td').nth(headings.indexOf(column));
}

/** The rows' keys as they are listed. */
export const keys = (table = 'orders') =>
  stage.page
    .locator(`.panel[data-table="${table}"] tbody tr`)
    .evaluateAll((all) => all.map((tr) => tr.dataset.key));

/** An event about an order. */
export function order(event, id, values = {}, more = {}) {
  const data = {
    id,
    customer: 'Ada',
    status: 'open',
    total: 12.5,
    note: null,
    extra: {},
    ...values,
  };
  return stage.server.order(event, data, more);
}

/** Waits until the page has handled everything sent so far, and has had two frames to draw it. */
export async function untilReceived() {
  const [socket] = stage.server.sockets;
  await new Promise((resolve) => {
    socket.once('pong', resolve);
    socket.ping();
  });
  await stage.page.evaluate(
    () =>
      new Promise((resolve) => {
        requestAnimationFrame(() => requestAnimationFrame(resolve));
      }),
  );
}
