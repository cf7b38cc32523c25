// The page while its daemon is killed and started again: on the same port, with the same database.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, open } from './browser.js';
import { PROGRAM, startDemo } from './demo.js';

const DEADLINE_MS = 30_000;

let browser;
/** Lends its database. */
let demo;
let database;
let directory;
let port;
let daemon;

before(
  async () => {
    demo = await startDemo(0);
    database = await demo.database();
    directory = await mkdtemp(join(tmpdir(), 'rowcast-page-'));
    port = await freePort();
    await writeFile(join(directory, 'rowcast.toml'), configuration());
    await start();
    browser = await launch();
  },
  { timeout: 60_000 },
);

after(async () => {
  await browser?.close();
  await kill('SIGTERM');
  await database?.end();
  await demo?.stop();
  if (directory) await rm(directory, { recursive: true });
});

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: found } = server.address();
  server.close();
  await once(server, 'close');
  return found;
}

function configuration() {
  return `
[database]
url = ${JSON.stringify(demo.databaseUrl)}
[server]
listen = "127.0.0.1:${port}"
[auth]
anonymous = true
[[table]]
name = "products"
rows = "true"
[[table]]
name = "messages"
rows = "true"
`;
}

async function start() {
  const configured = ['--config', join(directory, 'rowcast.toml')];
  daemon = spawn(PROGRAM, ['serve', '--no-install', ...configured], { stdio: 'ignore' });
  const end = performance.now() + DEADLINE_MS;
  const isReady = () =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    assert.ok(performance.now() < end && daemon.exitCode === null, 'the daemon never got ready');
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

async function kill(signal) {
  if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
  daemon.kill(signal);
  await once(daemon, 'exit');
}

/** Waits until both grids show what the tables hold, as SQL says it. */
async function becomesEqual(page) {
  const products = await database.query(
    "select sku || ' ' || price || ' ' || stock as line from products order by sku collate \"C\"",
  );
  const messages = await database.query(
    "select id || ' ' || body as line from messages order by id",
  );
  const wanted = [products, messages].map(({ rows }) => rows.map(({ line }) => line).sort());
  await page.waitForFunction(
    (expected) => {
      const lines = (table, columns) => {
        const panel = document.querySelector(`.panel[data-table="${table}"]`);
        const names = [...panel.querySelectorAll('thead th')].map((th) => th.textContent);
        const places = columns.map((column) => names.indexOf(column));
        return [...panel.querySelectorAll('tbody tr:not([data-event="removed"])')]
          .map((tr) =>
            [tr.dataset.key, ...places.map((place) => tr.children[place].textContent)].join(' '),
          )
          .sort();
      };
      const shown = [lines('products', ['price', 'stock']), lines('messages', ['body'])];
      return JSON.stringify(shown) === JSON.stringify(expected);
    },
    wanted,
    { timeout: DEADLINE_MS },
  );
}

const say = (body) =>
  database.query('insert into messages (customer_id, body, desk) values (1, $1, $2)', [
    body,
    'advice',
  ]);

test('the page survives a restart of the daemon, and shows what happened meanwhile', async () => {
  await say('before');
  const opened = await open(browser, `http://127.0.0.1:${port}/#table=products&table=messages`);
  const { page } = opened;
  await page.evaluate(() => {
    globalThis.isTheSame = true;
  });
  const isLive = (table) =>
    page.locator(`.panel[data-table="${table}"][data-status="live"]`).waitFor();
  await isLive('products');
  await isLive('messages');
  await becomesEqual(page);

  for (const signal of ['SIGKILL', 'SIGTERM']) {
    await database.query("update products set stock = stock + 1 where sku = 'CUP-001'");
    await becomesEqual(page);
    await kill(signal);
    await page.locator('.panel[data-table="messages"][data-status="stale"]').waitFor();
    await page
      .getByText(/Reconnecting/)
      .first()
      .waitFor();
    assert.equal(await page.locator('[data-table="products"] tbody tr').count(), 12, 'rows stay');
    await database.query("update products set price = price + 0.10 where sku like 'TEA-%'");
    await database.query("delete from messages where body = 'before'");
    await say(`while it was away: ${signal}`);
    await start();
    await becomesEqual(page);
    await isLive('messages');
    await page.getByText(`while it was away: ${signal}`).first().waitFor();
  }
  assert.equal(await page.evaluate(() => globalThis.isTheSame), true, 'without a reload');
  const others = opened.complaints.filter(
    (text) => !/ERR_CONNECTION|WebSocket|ERR_EMPTY/.test(text),
  );
  assert.deepEqual(others, []);
  await page.context().close();
});
