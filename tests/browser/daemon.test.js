// The page on the daemon itself: `rowcast demo`, whose shop never stops changing.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, open } from './browser.js';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
/** Built by `cargo build` or `cargo test`. */
const PROGRAM =
  process.env.ROWCAST_BIN ||
  resolve(REPOSITORY, process.env.CARGO_TARGET_DIR || 'target', 'debug/rowcast');

let browser;
let demo;
let url;

before(
  async () => {
    ({ demo, url } = await startDemo());
    browser = await launch();
  },
  { timeout: 60_000 },
);

after(async () => {
  await browser?.close();
  await stopDemo();
});

async function startDemo() {
  const child = spawn(PROGRAM, ['demo', '--listen', '127.0.0.1:0', '--rate', '40'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface(child.stdout)) {
    const found = /http:\/\/[\d.]+:\d+\//.exec(line);
    if (found) return { demo: child, url: found[0] };
  }
  throw new Error('the demo ended before it said where it serves');
}

async function stopDemo() {
  if (!demo || demo.exitCode !== null || demo.signalCode !== null) return;
  demo.kill('SIGTERM');
  await once(demo, 'exit');
}

test('the shop is shown live', async () => {
  const { page, complaints } = await open(browser, `${url}#table=orders`);
  await page.locator('tbody tr[data-event="created"]').first().waitFor();
  await page.locator('tbody td.changed').first().waitFor();
  const headings = await page.locator('thead th').allInnerTexts();
  assert.ok(headings.includes('status') && !headings.includes('internal_note'), headings.join());
  await page.locator('#events summary').first().click();
  const source = await page.locator('#events pre').innerText();
  assert.ok(!source.includes('internal_note') && JSON.parse(source).table === 'orders');
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test('the list agrees with the events, at any moment', async () => {
  const { page } = await open(browser, `${url}#table=orders`);
  await page.locator('#events li:nth-child(30)').waitFor();
  const differing = await page.evaluate(() => {
    const newest = new Map();
    for (const summary of document.querySelectorAll('#events summary')) {
      const [, kind, key] = [...summary.children].map((part) => part.textContent);
      if (!newest.has(key)) newest.set(key, kind);
    }
    return [...document.querySelectorAll('tbody tr')]
      .map((tr) => [tr.dataset.key, tr.dataset.event])
      .filter(([key, kind]) => newest.has(key) && newest.get(key) !== kind);
  });
  assert.deepEqual(differing, []);
  await page.context().close();
});

/** The page as one of the demo's identities sees it. */
async function as(name, hash) {
  const opened = await open(browser, url + hash);
  await opened.page.getByRole('radio', { name }).check();
  await opened.page.locator('#connection[data-phase="live"]').waitFor();
  const tables = await opened.page.locator('#tables li').allInnerTexts();
  return { ...opened, tables };
}

/** The values of a column in the rows that are listed, once the column and so many rows are there. */
async function values(page, column, least = 4) {
  await page.getByRole('columnheader', { name: column, exact: true }).waitFor();
  await page.locator(`tbody tr:nth-child(${least})`).waitFor();
  return page.evaluate((name) => {
    const headings = [...document.querySelectorAll('thead th')].map((th) => th.textContent);
    const at = headings.indexOf(name);
    return [...document.querySelectorAll('tbody tr')].map((tr) => tr.children[at]?.textContent);
  }, column);
}

test('each identity sees its own rows and columns, and nobody only what is public', async () => {
  const all = ['customers', 'messages', 'order_items', 'orders', 'products'];
  for (const [name, id] of [
    ['Ada Lovelace', '1'],
    ['Grace Hopper', '2'],
  ]) {
    const { page, tables } = await as(name, '#table=orders');
    assert.deepEqual(tables, all);
    assert.deepEqual([...new Set(await values(page, 'customer_id'))], [id]);
    assert.equal(await page.getByRole('columnheader', { name: 'margin' }).count(), 0);
    await page.context().close();
  }
  const mary = await as('Mary Seacole', '#table=orders');
  await mary.page.getByRole('columnheader', { name: 'margin' }).waitFor();
  await mary.page.waitForFunction(() => {
    const cells = [...document.querySelectorAll('tbody tr td:nth-child(3)')];
    return new Set(cells.map((td) => td.textContent)).size > 2;
  });
  await mary.page.getByRole('link', { name: 'customers' }).click();
  assert.deepEqual([...new Set(await values(mary.page, 'email', 1))], ['—']);
  assert.deepEqual(mary.complaints, []);
  await mary.page.context().close();

  const nobody = await as('Signed out', '#table=orders');
  await nobody.page.getByText("orders isn't there for this reader").waitFor();
  await nobody.page.getByRole('heading', { name: 'messages', exact: true }).waitFor();
  const tables = await nobody.page.locator('#tables li').allInnerTexts();
  assert.deepEqual(tables, ['messages', 'products']);
  await nobody.page.context().close();
});

test('rows enter and leave what a filter shows', async () => {
  const { page, complaints } = await as('Mary Seacole', '#table=orders');
  const box = page.getByLabel('where');
  await box.fill("status = 'paid'");
  await box.press('Enter');
  await page.locator('tbody tr[data-cause="enter"]').first().waitFor();
  await page.locator('tbody tr[data-cause="leave"]').first().waitFor();
  const seen = await values(page, 'status');
  assert.deepEqual([...new Set(seen)], ['paid']);

  await box.fill("status = 'paid' and totl > 1");
  await box.press('Enter');
  await page.getByText(/Character 21: /).waitFor();
  assert.equal(await page.locator('#fault mark').innerText(), 't');
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test('a message that is made public or private enters or leaves the view of nobody', async () => {
  const { page } = await as('Signed out', '#table=messages');
  await page.locator('tbody tr[data-cause="enter"]').first().waitFor();
  await page.locator('tbody tr[data-cause="leave"]').first().waitFor();
  assert.deepEqual([...new Set(await values(page, 'visibility'))], ['public']);
  await page.context().close();
});

test('when the daemon ends the page says so, and waits for it', async () => {
  const { page } = await open(browser, `${url}#table=products`);
  await page.locator('tbody tr').first().waitFor();
  await stopDemo();
  await page.locator('#connection[data-phase="waiting"]').waitFor();
  assert.ok((await page.locator('tbody tr').count()) > 0);
});
