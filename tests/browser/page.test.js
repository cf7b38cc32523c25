import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { launch, open } from './browser.js';
import { FakeServer, ORDERS } from './fake-server.js';

const BURST = 10_000;
/** The longest that the page may keep the reader waiting while a burst comes in. */
const FREEZE_MS = 1_000;

let browser;
let server;
let page;
let complaints;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

beforeEach(async () => {
  server = await FakeServer.start();
});
afterEach(async () => {
  await page?.context().close();
  await server.stop();
});

/** Opens the page on orders, subscribed. */
async function visit(hash = '#table=orders', options = {}) {
  ({ page, complaints } = await open(browser, server.url + hash, options));
  await phase('live');
}

const phase = (name) => page.locator(`#connection[data-phase="${name}"]`).waitFor();
const row = (id) => page.locator(`tbody tr[data-key="${id}"]`);
const empty = () => page.locator('#empty').innerText();
const waiting = () => page.getByRole('heading', { name: 'Waiting for changes in' }).waitFor();

/** The cell of a row, by its column. */
async function cell(id, column) {
  const headings = await page.locator('thead th').allInnerTexts();
  return row(id).locator('th, td').nth(headings.indexOf(column));
}

function order(event, id, more = {}, extra = {}) {
  const data = { id, customer: 'Ada', status: 'open', total: 12.5, note: null, extra: {}, ...more };
  return server.order(event, data, extra);
}

test('the tables are listed, and the address keeps the chosen one', async () => {
  await visit('');
  await waiting();
  assert.deepEqual(await page.locator('#tables a').allInnerTexts(), ['orders', 'visits']);
  assert.equal(new URL(page.url()).hash, '#table=orders');
  await page.getByRole('link', { name: 'visits' }).click();
  await page.getByRole('heading', { name: 'Waiting for changes in visits' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Waiting for changes in visits' }).waitFor();
  assert.equal(await page.locator('#tables [aria-current]').innerText(), 'visits');
  assert.match(await empty(), /no key, so every change is a line of its own/);
});

test('rows appear, patched cells are highlighted, removed rows are struck out and leave', async () => {
  await visit();
  await waiting();
  server.batch(order('created', 1), order('created', 2));
  await row(2).waitFor();
  assert.equal(await row(1).getAttribute('data-event'), 'created');

  server.batch(order('patched', 1, { status: 'paid' }, { changed: ['status'] }));
  const status = await cell(1, 'status');
  await status.getByText('paid').waitFor();
  assert.match(await status.getAttribute('class'), /changed.*flash/);
  assert.doesNotMatch(await (await cell(1, 'total')).getAttribute('class'), /changed|flash/);
  const animated = await status.evaluate((td) => td.getAnimations().length);
  assert.equal(animated, 1);

  server.batch(order('removed', 2));
  await page.locator('tbody tr[data-key="2"][data-event="removed"]').waitFor();
  assert.equal(await (await cell(2, 'status')).evaluate((td) => getComputedStyle(td).textDecorationLine), 'line-through');
  await row(2).waitFor({ state: 'detached' });
  assert.equal(await row(1).count(), 1);
  assert.deepEqual(complaints, []);
});

test('a highlight begins anew with each change of a cell', async () => {
  await visit();
  await waiting();
  server.batch(order('created', 1));
  const began = [];
  for (const status of ['paid', 'sent']) {
    server.batch(order('patched', 1, { status }, { changed: ['status'] }));
    const td = await cell(1, 'status');
    await td.getByText(status).waitFor();
    began.push(await td.evaluate((element) => element.getAnimations()[0]?.animationName));
  }
  assert.deepEqual(began.toSorted(), ['flash-a', 'flash-b']);
});

test('a batch shows whole, at its commit', async () => {
  await visit();
  await waiting();
  await page.evaluate(() => {
    globalThis.seen = [];
    const look = () => {
      const rows = [...document.querySelectorAll('tbody tr')].map((tr) => tr.dataset.key).sort().join();
      const events = document.querySelectorAll('#events li:not(.none)').length;
      if (globalThis.seen.at(-1) !== `${rows} ${events}`) globalThis.seen.push(`${rows} ${events}`);
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  });
  server.events(order('created', 1));
  server.events(order('created', 2), order('removed', 1));
  await untilReceived();
  await page.getByLabel('Order of the rows').selectOption('change');
  await untilReceived();
  assert.equal(await page.locator('tbody tr').count(), 0);
  server.events(order('created', 3));
  server.commit();
  await row(3).waitFor();
  const states = await page.evaluate(() => globalThis.seen.filter((state) => !state.endsWith(' 0')));
  assert.deepEqual(states, ['1,2,3 4']);
});

/** Waits until the page has handled everything sent so far, and has had two frames to draw it. */
async function untilReceived() {
  const [socket] = server.sockets;
  await new Promise((resolve) => {
    socket.once('pong', resolve);
    socket.ping();
  });
  await page.evaluate(() => new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(resolve));
  }));
}

test('a batch that broke off is never shown', async () => {
  await visit();
  await waiting();
  server.events(order('created', 1));
  await untilReceived();
  server.close(1012);
  await phase('waiting');
  await page.getByRole('button', { name: 'Retry now' }).click();
  await server.subscribed(2);
  server.batch(order('created', 2));
  await row(2).waitFor();
  assert.equal(await row(1).count(), 0);
});

test('the page reconnects by itself, and says what may have been missed', async () => {
  await visit();
  await waiting();
  server.batch(order('created', 1));
  await row(1).waitFor();
  await server.stop();
  await page.getByText(/Reconnecting in \d+ s: the connection was lost/).waitFor();
  await server.listen();
  await phase('live');
  await page.getByText('Changes made in between').waitFor();
  assert.match(await row(1).getAttribute('class'), /stale/);
  server.batch(order('patched', 1, { status: 'paid' }, { changed: ['status'] }));
  await (await cell(1, 'status')).getByText('paid').waitFor();
  assert.doesNotMatch(await row(1).getAttribute('class'), /stale/);
});

const CLOSES = [
  [4401, 'token expired', /Closed: the credential was refused or has ended \(4401: token expired\)/],
  [4403, '', /Closed: pages of this origin may not connect \(4403\)/],
  [1008, 'not a known op', /Closed: .* \(1008: not a known op\)/],
];

for (const [code, reason, expected] of CLOSES) {
  test(`close code ${code} is explained, and nothing is tried until asked`, async () => {
    await visit();
    await waiting();
    server.close(code, reason);
    await phase('closed');
    assert.match(await page.locator('#connection').innerText(), expected);
    assert.equal(server.connections, 1);
    await page.getByRole('button', { name: 'Connect again' }).click();
    await phase('live');
  });
}

test('a reset and a truncation empty the list and say so', async () => {
  await visit();
  await waiting();
  server.batch(order('created', 1));
  await row(1).waitFor();
  server.reset('cursor_expired');
  await page.getByText('The feed began anew').waitFor();
  assert.equal(await row(1).count(), 0);
  server.batch(order('created', 2));
  await row(2).waitFor();
  server.batch({ event: 'truncated', table: 'orders', key: null, seq: 9, tx: '9', at: new Date().toISOString() });
  await page.getByText('removed by TRUNCATE').waitFor();
  assert.equal(await row(2).count(), 0);
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await page.locator('#notice').waitFor({ state: 'hidden' });
});

test('values are shown exactly, and null is told from empty', async () => {
  await visit();
  await waiting();
  const event = JSON.stringify(order('created', 1, { note: '' }))
    .replace('"id":1}', '"id":9223372036854775807}').replace('"id":1,', '"id":9223372036854775807,')
    .replace('12.5', '12.50').replace('"extra":{}', '"extra":{"a":1.0,"a":2}');
  server.send(`{"op":"events","feed":1,"events":[${event}]}`);
  server.batch(order('created', 2, { note: `<b>${'x'.repeat(5000)}` }));
  const id = '9223372036854775807';
  await row(id).waitFor();
  assert.equal(await (await cell(id, 'total')).innerText(), '12.50');
  assert.equal(await (await cell(id, 'extra')).innerText(), '{"a":1.0,"a":2}');
  assert.equal(await (await cell(id, 'note')).getAttribute('data-kind'), 'empty');
  assert.equal(await (await cell(1, 'note')).count(), 0);
  const long = await cell(2, 'note');
  assert.match(await long.innerText(), /^<b>x{77}…$/);
  await long.click();
  assert.equal((await page.locator('#detail dd').nth(4).innerText()).length, 5003);
  await page.locator(`#events summary`).nth(1).click();
  const source = await page.locator('#events pre').innerText();
  assert.ok(source.includes(`"id": ${id}`) && source.includes('"a": 1.0,') && source.includes('12.50'));
});

test('a row too large to send is listed by its key', async () => {
  await visit();
  await waiting();
  server.batch(order('created', 1));
  await row(1).waitFor();
  server.batch({ ...order('patched', 1, {}, { changed: ['note'], oversize: true }), data: undefined });
  await page.locator('tbody tr[data-key="1"][data-event="patched"]').waitFor();
  assert.equal(await (await cell(1, 'status')).getAttribute('data-kind'), 'missing');
  assert.match(await row(1).getAttribute('title'), /too large/);
});

test('events open to their JSON, which holds the list still until it is resumed', async () => {
  await visit();
  await waiting();
  server.batch(order('created', 1));
  await page.locator('#events summary').first().press('Enter');
  await page.locator('#events pre').waitFor();
  server.batch(order('created', 2), order('created', 3));
  await page.getByText('held, 2 new').waitFor();
  assert.equal(await page.locator('#events li').count(), 1);
  assert.equal(await page.locator('tbody tr').count(), 3);
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.locator('#events li').nth(2).waitFor();
});

test('rows can be reached and opened by keyboard', async () => {
  await visit();
  await waiting();
  server.batch(order('created', 1), order('created', 2));
  await row(2).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'orders 1' }).waitFor();
  server.batch(order('created', 3));
  await row(3).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.dataset.key), '1');
  await page.keyboard.press('Escape');
  await page.locator('#detail').waitFor({ state: 'hidden' });
});

test('by latest change, the row that changed last comes first', async () => {
  await visit();
  await waiting();
  server.batch(order('created', 1), order('created', 2));
  await row(1).focus();
  await page.getByLabel('Order of the rows').selectOption('change');
  await row(1).focus();
  server.batch(order('patched', 1, { status: 'paid' }, { changed: ['status'] }));
  await page.locator('tbody tr:first-child[data-key="1"]').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.dataset.key), '1');
});

test(`${BURST} events a second don't freeze the page`, async () => {
  await visit();
  await waiting();
  await page.evaluate(() => {
    globalThis.worst = 0;
    let last = performance.now();
    const step = (now) => {
      globalThis.worst = Math.max(globalThis.worst, now - last);
      last = now;
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });
  for (let second = 0; second < 3; second += 1) {
    for (let batch = 0; batch < 100; batch += 1) {
      const first = second * BURST + batch * 100;
      server.batch(...Array.from({ length: 100 }, (_, i) => order(i % 3 ? 'created' : 'patched', (first + i) % 4000, {
        status: `s${first}`,
      }, { changed: ['status'] })));
      await new Promise((resolve) => { setTimeout(resolve, 10); });
    }
  }
  const last = (3 * BURST - 1) % 4000;
  await row(last).waitFor();
  const { worst, rows, events } = await page.evaluate(() => ({
    worst: globalThis.worst,
    rows: document.querySelectorAll('tbody tr').length,
    events: document.querySelectorAll('#events li').length,
  }));
  assert.ok(worst < FREEZE_MS, `no frame for ${worst} ms`);
  assert.deepEqual([rows, events], [200, 150]);
  await page.waitForFunction(() => /k$/.test(document.querySelector('#rate').textContent));
  assert.deepEqual(complaints, []);
});

test('one batch of 10,000 events is shown whole', async () => {
  await visit();
  await waiting();
  server.batch(...Array.from({ length: BURST }, (_, i) => order('created', i)));
  await row(BURST - 1).waitFor();
  assert.match(await page.locator('#counts').innerText(), /10,000 created/);
});

test('light and dark follow the system, and the button overrules it and is remembered', async () => {
  await visit('', { colorScheme: 'dark' });
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await paper();
  await page.emulateMedia({ colorScheme: 'light' });
  const light = await paper();
  assert.notEqual(dark, light);
  const button = page.getByRole('button', { name: /Colours/ });
  await button.click();
  await button.click();
  assert.equal(await button.getAttribute('title'), 'Colours: dark');
  assert.equal(await paper(), dark);
  await page.reload();
  assert.equal(await paper(), dark);
});

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

test('on a phone nothing is wider than the screen, whatever is shown', async () => {
  server.tables.push({ ...ORDERS, name: `a_table_with_${'a_long_name_'.repeat(4)}` });
  await visit('#table=orders', PHONE);
  await waiting();
  server.batch(order('created', 1, { note: 'x'.repeat(3000) }), order('created', 2, { customer: 'y'.repeat(500) }));
  await row(1).waitFor();
  const fits = async (what) => {
    const width = await page.evaluate(() => Math.max(
      document.documentElement.scrollWidth,
      ...[...document.querySelectorAll('header *, main > *, aside, aside > *')]
        .filter((element) => element.checkVisibility()).map((element) => element.getBoundingClientRect().right),
    ));
    assert.ok(width <= 360, `${what}: ${width}`);
  };
  await fits('rows');
  await row(1).tap();
  await page.locator('#detail').waitFor();
  await fits('a row');
  await page.getByRole('button', { name: 'Close' }).tap();
  await page.getByRole('button', { name: 'Events' }).tap();
  await page.locator('#events summary').first().tap();
  await page.locator('#events pre').waitFor();
  await fits('events');
  server.close(4401, 'the session at the identity provider has ended; sign in again to go on');
  await phase('closed');
  await fits('closed');
});

test('no tables, an unknown table, a refused one: each says what to do', async () => {
  server.tables = [];
  await visit('');
  await page.getByRole('heading', { name: 'No tables to show' }).waitFor();
  await page.context().close();

  server.tables = [ORDERS];
  await visit('#table=nonsense');
  await page.getByRole('heading', { name: 'There is no table “nonsense” here' }).waitFor();

  server.refuse = () => ({ code: 'unknown_table', detail: 'orders went away' });
  await page.getByRole('link', { name: 'orders' }).click();
  await page.getByRole('heading', { name: "orders can't be watched" }).waitFor();
  assert.match(await empty(), /Orders went away\. \(unknown_table\)/);
});

test('a reader without a credential is told to sign in', async () => {
  server.problem = { status: 401, code: 'unauthenticated', detail: 'a credential is needed' };
  ({ page, complaints } = await open(browser, server.url));
  await page.getByRole('heading', { name: 'You need to sign in' }).waitFor();
  assert.equal(server.connections, 0);
});

test('while the database is away the page tries again', async () => {
  server.problem = { status: 503, code: 'unavailable', detail: 'the database is away' };
  ({ page, complaints } = await open(browser, server.url));
  await page.getByRole('heading', { name: 'The database is away' }).waitFor();
  server.problem = null;
  await phase('live');
  await waiting();
});
