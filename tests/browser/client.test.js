// The JavaScript client in a browser, imported from the daemon that it talks to.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { launch, open } from './browser.js';
import { startDemo } from './demo.js';

let browser;
let demo;
let token;

before(
  async () => {
    demo = await startDemo(20);
    token = (await demo.tokens()).get('Mary Seacole');
    browser = await launch();
  },
  { timeout: 60_000 },
);
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** A page that has a mirror of the orders, as `client` and `mirror`. */
async function page(options = {}) {
  const opened = await open(browser, demo.url);
  await opened.page.evaluate(
    async (given) => {
      const { connect } = await import('/client.js');
      globalThis.client = connect(given);
      globalThis.mirror = globalThis.client.mirror('orders');
      await globalThis.mirror.ready;
    },
    { token, ...options },
  );
  return opened;
}

/** Waits until the mirror has changed so many times more. */
const changes = (page, count) =>
  page.evaluate(
    (least) =>
      new Promise((resolve) => {
        let seen = 0;
        const off = globalThis.mirror.subscribe(() => {
          seen += 1;
          if (seen >= least) off();
          if (seen >= least) resolve();
        });
      }),
    count,
  );

/** Waits until the mirror is what a fresh reading of the table says, at some moment. */
const becomesEqual = (page) =>
  page.waitForFunction(async (shown) => {
    const headers = { authorization: `Bearer ${shown}` };
    const answer = await fetch('/v1/tables/orders/rows', { headers });
    const { rows } = await answer.json();
    const text = (all) => JSON.stringify([...all].sort((a, b) => a.id - b.id));
    return text(rows) === text(globalThis.mirror.view());
  }, token);

for (const transport of ['websocket', 'sse', 'polling']) {
  test(`a mirror over ${transport}`, async () => {
    const opened = await page({ transports: [transport] });
    assert.equal(await opened.page.evaluate(() => globalThis.client.transport), transport);
    await changes(opened.page, 3);
    await becomesEqual(opened.page);
    assert.deepEqual(opened.complaints, []);
    await opened.page.context().close();
  });
}

test('seven mirrors over streams leave connections for other requests', async () => {
  const opened = await page({ transports: ['sse'] });
  await opened.page.evaluate(async () => {
    const tables = ['orders', 'order_items', 'customers', 'products', 'messages', 'orders'];
    await Promise.all(tables.map((table) => globalThis.client.mirror(table).ready));
  });
  await becomesEqual(opened.page);
  await opened.page.context().close();
});

test('without a network a page keeps what it had, and goes on when it is back', async () => {
  const opened = await page();
  const context = opened.page.context();
  const { size } = await opened.page.evaluate(() => globalThis.mirror.rows);
  await context.setOffline(true);
  await opened.page.evaluate(() => globalThis.client.reconnect());
  await opened.page.waitForFunction(() => globalThis.client.status === 'waiting');
  assert.ok((await opened.page.evaluate(() => globalThis.mirror.view().length)) >= (size ?? 1));
  assert.equal(await opened.page.evaluate(() => globalThis.mirror.status), 'stale');
  await context.setOffline(false);
  await opened.page.waitForFunction(() => globalThis.mirror.status === 'live');
  await becomesEqual(opened.page);
  await context.close();
});

test("the README's dashboard", async () => {
  const readme = await readFile(new URL('../../clients/js/README.md', import.meta.url), 'utf8');
  const [, html] = /```html\n([\s\S]*?)```/.exec(readme);
  assert.ok(html.includes('connect()'));
  const context = await browser.newContext();
  const dashboard = await context.newPage();
  const body = html.replace('connect()', `connect(${JSON.stringify({ token })})`);
  await dashboard.route('**/dashboard', (route) =>
    route.fulfill({ body, contentType: 'text/html' }),
  );
  await dashboard.goto(`${demo.url}dashboard`);
  await dashboard.waitForFunction(() => document.body.className === 'live');
  const shown = await dashboard.locator('h1').innerText();
  assert.match(shown, /^\d+ open orders, worth [\d.]+$/);
  await dashboard.waitForFunction(
    (before) => document.querySelector('h1').innerText !== before,
    shown,
  );
  await context.close();
});
