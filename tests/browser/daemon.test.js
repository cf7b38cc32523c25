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
    [browser, { demo, url }] = await Promise.all([launch(), startDemo()]);
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

test('when the daemon ends the page says so, and waits for it', async () => {
  const { page } = await open(browser, `${url}#table=products`);
  await page.locator('tbody tr').first().waitFor();
  await stopDemo();
  await page.locator('#connection[data-phase="waiting"]').waitFor();
  assert.ok((await page.locator('tbody tr').count()) > 0);
});
