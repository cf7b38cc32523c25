import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ORDERS } from './fake-server.js';
import { empty, order, phase, row, stage, visit, waiting } from './stage.js';

test('the tables are listed, and the address keeps the chosen one', async () => {
  await visit('');
  await waiting();
  assert.deepEqual(await stage.page.locator('#tables a').allInnerTexts(), ['orders', 'visits']);
  assert.equal(new URL(stage.page.url()).hash, '#table=orders');
  await stage.page.getByRole('link', { name: 'visits' }).click();
  await stage.page.getByRole('heading', { name: 'Waiting for changes in visits' }).waitFor();
  await stage.page.reload();
  await stage.page.getByRole('heading', { name: 'Waiting for changes in visits' }).waitFor();
  assert.equal(await stage.page.locator('#tables [aria-current]').innerText(), 'visits');
  assert.match(await empty(), /no key, so every change is a line of its own/);
});

test('events open to their JSON, which holds the list still until it is resumed', async () => {
  await visit();
  await waiting();
  stage.server.batch(order('created', 1));
  await stage.page.locator('#events summary').first().press('Enter');
  await stage.page.locator('#events pre').waitFor();
  stage.server.batch(order('created', 2), order('created', 3));
  await stage.page.getByText('held, 2 new').waitFor();
  assert.equal(await stage.page.locator('#events li').count(), 1);
  assert.equal(await stage.page.locator('tbody tr').count(), 3);
  await stage.page.getByRole('button', { name: 'Resume' }).click();
  await stage.page.locator('#events li').nth(2).waitFor();
});

test('rows can be reached and opened by keyboard', async () => {
  await visit();
  await waiting();
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
  await waiting();
  stage.server.batch(order('created', 1), order('created', 2));
  await row(1).focus();
  await stage.page.getByLabel('Order of the rows').selectOption('change');
  await row(1).focus();
  stage.server.batch(order('patched', 1, { status: 'paid' }, { changed: ['status'] }));
  await stage.page.locator('tbody tr:first-child[data-key="1"]').waitFor();
  assert.equal(await stage.page.evaluate(() => document.activeElement.dataset.key), '1');
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
  await waiting();
  stage.server.batch(
    order('created', 1, { note: 'x'.repeat(3000) }),
    order('created', 2, { customer: 'y'.repeat(500) }),
  );
  await row(1).waitFor();
  const fits = async (what) => {
    const width = await stage.page.evaluate(() =>
      Math.max(
        document.documentElement.scrollWidth,
        ...[...document.querySelectorAll('header *, main > *, aside, aside > *')]
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
