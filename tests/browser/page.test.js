import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ORDERS } from './fake-server.js';
import { empty, keys, live, order, phase, row, stage, visit } from './stage.js';

test('the tables are listed, and the address keeps the chosen one', async () => {
  await visit('');
  await live();
  assert.deepEqual(await stage.page.locator('#tables li > :first-child').allInnerTexts(), [
    'orders',
    'visits',
  ]);
  assert.equal(new URL(stage.page.url()).hash, '#table=orders');
  await stage.page.getByRole('link', { name: 'visits', exact: true }).click();
  await stage.page.getByRole('heading', { name: 'Waiting for changes in visits' }).waitFor();
  await stage.page.reload();
  await stage.page.getByRole('heading', { name: 'Waiting for changes in visits' }).waitFor();
  assert.equal(await stage.page.locator('#tables [aria-current]').innerText(), 'visits');
  assert.match(await empty(), /no key, so no copy of it can be kept/);
});

test('events open to their JSON, which holds the list still until it is resumed', async () => {
  await visit();
  await live();
  stage.server.batch(order('created', 1));
  await stage.page.locator('#events summary').first().press('Enter');
  await stage.page.locator('#events pre').waitFor();
  stage.server.batch(order('created', 2), order('created', 3));
  await stage.page.getByText('held, 2 new').waitFor();
  assert.equal(await stage.page.locator('#events li').count(), 1);
  assert.equal(await stage.page.locator('.panel tbody tr').count(), 3);
  await stage.page.getByRole('button', { name: 'Resume' }).click();
  await stage.page.locator('#events li').nth(2).waitFor();
});

test('rows can be reached and opened by keyboard', async () => {
  await visit();
  await live();
  stage.server.batch(order('created', 1), order('created', 2));
  await row(2).focus();
  await stage.page.keyboard.press('ArrowDown');
  await stage.page.keyboard.press('Enter');
  await stage.page.getByRole('heading', { name: 'orders 1' }).waitFor();
  stage.server.batch(order('created', 3));
  await row(3).waitFor();
  assert.equal(await stage.page.evaluate(() => document.activeElement.dataset.key), '1');
  await stage.page.keyboard.press('Escape');
  await stage.page.locator('#detail').waitFor({ state: 'hidden' });
});

test('by latest change, the row that changed last comes first', async () => {
  await visit();
  await live();
  stage.server.batch(order('created', 1), order('created', 2));
  await row(1).focus();
  await stage.page.getByRole('button', { name: 'changed' }).click();
  await row(1).focus();
  stage.server.batch(order('patched', 1, { status: 'paid' }, { changed: ['status'] }));
  await stage.page.locator('tbody tr:first-child[data-key="1"]').waitFor();
  assert.equal(await stage.page.evaluate(() => document.activeElement.dataset.key), '1');
});

test('a column sorts the rows, one way and the other; what is missing comes last', async () => {
  const of = (id, total, customer) => ({ ...order('created', id, { total, customer }).data });
  stage.server.rows = {
    orders: [
      of(1, 9, 'Bo'),
      of(2, 10, null),
      of(3, '12345678901234567890.5', 'Al'),
      of(4, 2, 'Cy'),
    ],
  };
  await visit();
  await row(4).waitFor();
  assert.deepEqual(await keys(), ['4', '3', '2', '1'], 'the newest first');
  const sort = async (column, direction) => {
    await stage.page.getByRole('button', { name: column, exact: true }).click();
    await stage.page.locator(`th[aria-sort="${direction}"]`, { hasText: column }).waitFor();
    return keys();
  };
  assert.deepEqual(await sort('total', 'descending'), ['3', '2', '1', '4']);
  assert.deepEqual(await sort('total', 'ascending'), ['4', '1', '2', '3']);
  assert.deepEqual(await sort('customer', 'ascending'), ['3', '1', '4', '2']);
  assert.deepEqual(await sort('customer', 'descending'), ['4', '1', '3', '2']);
  stage.server.batch(order('created', 5, { customer: 'Bz' }));
  await row(5).waitFor();
  assert.deepEqual(await keys(), ['4', '5', '1', '3', '2']);
});

test('several tables are open at once, with a filter each, and the address keeps them', async () => {
  const items = { ...ORDERS, name: 'items' };
  stage.server.tables = [ORDERS, items];
  stage.server.rows = {
    orders: [order('created', 1).data],
    items: [order('created', 2).data, order('created', 3).data],
  };
  await visit();
  await row(1).waitFor();
  await stage.page.getByRole('link', { name: 'Show items beside the others' }).click();
  await live('items');
  assert.deepEqual([await keys('orders'), await keys('items')], [['1'], ['3', '2']]);
  assert.equal(stage.server.subscriptions.length, 2, 'the first one goes on');
  const panel = stage.page.locator('.panel[data-table="items"]');
  await panel.getByLabel('where').fill('id > 2');
  await panel.getByLabel('where').press('Enter');
  await stage.page.waitForFunction(() => location.hash.includes('where'));
  await stage.page.reload();
  await live('items');
  await live('orders');
  assert.equal(await panel.getByLabel('where').inputValue(), 'id > 2');
  await stage.page.getByRole('link', { name: 'Close orders' }).click();
  await stage.page.locator('.panel[data-table="orders"]').waitFor({ state: 'detached' });
  assert.equal(await panel.count(), 1);
  assert.deepEqual(stage.complaints, []);
});

test('events say of which table they are, and those of closed tables go', async () => {
  stage.server.tables = [ORDERS, { ...ORDERS, name: 'items' }];
  await visit();
  await live();
  stage.server.batch(order('created', 1));
  await row(1).waitFor();
  await stage.page.getByRole('link', { name: 'Show items beside the others' }).click();
  await live('items');
  stage.server.batch({ ...order('created', 2), table: 'items' });
  const shown = () => stage.page.locator('#events summary .table:visible').allInnerTexts();
  await stage.page.locator('#events li').nth(1).waitFor();
  assert.deepEqual(await shown(), ['items', 'orders']);
  await stage.page.getByRole('link', { name: 'Close orders' }).click();
  await stage.page.locator('.panel[data-table="orders"]').waitFor({ state: 'detached' });
  assert.deepEqual(await stage.page.locator('#events summary .table').allTextContents(), ['items']);
});

test('of many rows the first are listed, which is said, and more if asked for', async () => {
  stage.server.rows = { orders: Array.from({ length: 500 }, (_, i) => order('created', i).data) };
  await visit();
  await stage.page.getByText('500 rows, the first 200 of them listed').waitFor();
  await stage.page.getByRole('button', { name: 'List more' }).click();
  await stage.page.getByText('500 rows, the first 400 of them listed').waitFor();
  await stage.page.getByRole('button', { name: 'List more' }).click();
  await row(0).waitFor();
  assert.equal(await stage.page.getByRole('button', { name: 'List more' }).isVisible(), false);
});

test('light and dark follow the system, and the button overrules it and is remembered', async () => {
  await visit('', { colorScheme: 'dark' });
  const paper = () => stage.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await paper();
  await stage.page.emulateMedia({ colorScheme: 'light' });
  const light = await paper();
  assert.notEqual(dark, light);
  const button = stage.page.getByRole('button', { name: /Colours/ });
  await button.click();
  await button.click();
  assert.equal(await button.getAttribute('title'), 'Colours: dark');
  assert.equal(await paper(), dark);
  await stage.page.reload();
  assert.equal(await paper(), dark);
});

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

test('on a phone nothing is wider than the screen, whatever is shown', async () => {
  stage.server.tables.push({ ...ORDERS, name: `a_table_with_${'a_long_name_'.repeat(4)}` });
  await visit('#table=orders', PHONE);
  await live();
  stage.server.batch(
    order('created', 1, { note: 'x'.repeat(3000) }),
    order('created', 2, { customer: 'y'.repeat(500) }),
  );
  await row(1).waitFor();
  const fits = async (what) => {
    const width = await stage.page.evaluate(() =>
      Math.max(
        document.documentElement.scrollWidth,
        ...[...document.querySelectorAll('header *, main > *, .panel > *, aside, aside > *')]
          .filter((element) => element.checkVisibility())
          .map((element) => element.getBoundingClientRect().right),
      ),
    );
    assert.ok(width <= 360, `${what}: ${width}`);
  };
  await fits('rows');
  await row(1).tap();
  await stage.page.locator('#detail').waitFor();
  await fits('a row');
  await stage.page.getByRole('button', { name: 'Close' }).tap();
  await stage.page.getByRole('button', { name: 'Events' }).tap();
  await stage.page.locator('#events summary').first().tap();
  await stage.page.locator('#events pre').waitFor();
  await fits('events');
  stage.server.close(
    4401,
    'the session at the identity provider has ended; sign in again to go on',
  );
  await phase('closed');
  await fits('closed');
});
