// The filter: tried beside the one in force, marked at its fault, remembered by the address.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { live, order, row, stage, untilReceived, visit } from './stage.js';

const box = () => stage.page.getByLabel('where');
const newest = () => stage.server.subscriptions.at(-1);
const ended = () =>
  stage.server.received.filter(({ op }) => op === 'unsubscribe').map(({ id }) => id);
const hash = () => decodeURIComponent(new URL(stage.page.url()).hash);

/** The server takes every filter but this one. */
function refuse(where, position) {
  stage.server.refuse = (message) =>
    message.where === where && {
      code: 'invalid_filter',
      detail: 'there is no column "stats"',
      position,
    };
}

async function apply(where) {
  await box().fill(where);
  await box().press('Enter');
}

test('a filter is applied by Enter and cleared by Escape', async () => {
  await visit();
  await live();
  stage.server.batch(order('created', 1));
  await row(1).waitFor();
  await apply("status = 'open'");
  await stage.server.subscribed(2);
  assert.equal(newest().where, "status = 'open'");
  await stage.page.getByText('None is what the filter asks for').waitFor();
  assert.equal(hash(), "#table=orders&where=status = 'open'");
  await untilReceived();
  assert.deepEqual(ended(), [stage.server.subscriptions[0].id], 'nobody needs the one before');
  await box().press('Escape');
  await stage.server.subscribed(3);
  assert.equal('where' in newest(), false);
  await stage.page.waitForFunction(() => location.hash === '#table=orders');
  assert.equal(await box().inputValue(), '');
});

test('a fault is marked at its character, and the filter in force goes on', async () => {
  refuse("note = '🫖' and stats = 1", 16);
  await visit();
  await apply("status = 'open'");
  await stage.server.subscribed(2);
  await apply("note = '🫖' and stats = 1");
  await stage.page.getByText('Character 16: there is no column "stats"').waitFor();
  assert.equal(await stage.page.locator('.fault mark').innerText(), 's');
  assert.equal(await stage.page.locator('.fault code').innerText(), "note = '🫖' and stats = 1");
  assert.equal(await box().getAttribute('aria-invalid'), 'true');
  assert.equal(await box().evaluate((input) => input.selectionStart), 16);
  assert.equal(hash(), "#table=orders&where=status = 'open'");
  stage.server.batch(order('created', 1));
  await row(1).waitFor();
  await box().press('Escape');
  await stage.page.locator('.fault').waitFor({ state: 'hidden' });
});

test('a faulty filter in the address is shown with its fault', async () => {
  refuse('stats = 1', 1);
  await visit(`#table=orders&where=${encodeURIComponent('stats = 1')}`);
  await stage.page.getByRole('heading', { name: "The filter can't be used" }).waitFor();
  assert.equal(await box().inputValue(), 'stats = 1');
  assert.equal(await stage.page.locator('.fault mark').innerText(), 's');
  await apply("status = 'open'");
  await live();
});

test('each table keeps its own filter', async () => {
  await visit();
  await apply("status = 'open'");
  await stage.server.subscribed(2);
  await stage.page.getByRole('link', { name: 'visits', exact: true }).click();
  await stage.page.getByRole('heading', { name: 'Waiting for changes in visits' }).waitFor();
  assert.equal(await box().inputValue(), '');
  await stage.page.locator('#tables a.filtered').click();
  await stage.server.subscribed(4);
  assert.equal(newest().where, "status = 'open'");
  await stage.page.reload();
  await stage.server.subscribed(5);
  assert.equal(newest().where, "status = 'open'");
  assert.equal(await box().inputValue(), "status = 'open'");
});

test('rows that come into view and leave it are told from new and deleted ones', async () => {
  await visit();
  await live();
  stage.server.batch(order('created', 1, {}, { cause: 'enter' }), order('created', 2));
  await row(1).getByText('entered').waitFor();
  assert.equal(await row(1).locator('.sign').innerText(), '→');
  assert.equal(await row(2).locator('.sign').innerText(), '+');
  await stage.page.locator('#events').getByText('→ came into view').waitFor();
  stage.server.batch(order('removed', 1, {}, { cause: 'leave' }));
  await row(1).getByText('left').waitFor();
  assert.match(await row(1).getAttribute('title'), /left the view, which is neither new nor d/);
  const line = await row(1)
    .locator('td')
    .nth(2)
    .evaluate((td) => getComputedStyle(td).textDecorationLine);
  assert.equal(line, 'none', 'the row is not deleted');
  assert.match(await stage.page.locator('.counts').innerText(), /1 entered.*1 left/s);
  await row(1).waitFor({ state: 'detached' });
  assert.equal(await row(2).count(), 1);
  assert.deepEqual(stage.complaints, []);
});
