// Who reads: the demo's identities, and tokens of one's own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ORDERS, VISITS } from './fake-server.js';
import { cell, live, order, phase, row, stage, untilReceived, visit } from './stage.js';

const ADA = { sub: '1', name: 'Ada Lovelace', role: 'customer' };
const MARY = { sub: '0', name: 'Mary Seacole', role: 'admin' };
const [ID, CUSTOMER, STATUS] = ORDERS.columns;
/** What customers see of the orders. */
const FEW = { ...ORDERS, columns: [ID, STATUS] };

/** Makes the server a demo, whose tokens are new with each asking. */
function offerIdentities() {
  const { server } = stage;
  let issued = 0;
  server.identities = () => {
    issued += 1;
    return [ADA, MARY].map((claims) => {
      const token = `${claims.sub}-${issued}`;
      server.tokens.set(token, claims);
      const now = Math.floor(Date.now() / 1000);
      return { ...claims, token, claims: { ...claims, iat: now, exp: now + 3600 } };
    });
  };
  const tables = { admin: [ORDERS, VISITS], customer: [FEW, VISITS] };
  server.tablesFor = (claims) => tables[claims.role] ?? [VISITS];
}

const choice = (name) => stage.page.getByRole('radio', { name });
const tables = () => stage.page.locator('#tables li > :first-child').allInnerTexts();
const headings = () => stage.page.locator('.panel thead th').allInnerTexts();

/** Waits until the page reads as this one: its claims are those that the server told. */
const reads = (name) => stage.page.locator('#claims dd', { hasText: name }).waitFor();

test('each identity sees its own tables, columns and rows', async () => {
  offerIdentities();
  await visit();
  await reads('Ada Lovelace');
  await live();
  assert.equal(await choice(/Ada/).isChecked(), true);
  stage.server.batch(stage.server.order('created', { id: 1, status: 'open' }));
  await row(1).waitFor();
  assert.deepEqual(await headings(), ['id', 'changed', 'status']);

  await choice(/Mary/).check();
  assert.equal(await row(1).count(), 0, 'what another may see is gone at once');
  await reads('Mary Seacole');
  await live();
  assert.equal(await row(1).count(), 0, 'nothing of what another saw stays');
  stage.server.batch(order('created', 2));
  await row(2).waitFor();
  assert.ok((await headings()).includes(CUSTOMER.name));

  await choice(/Signed out/).check();
  await stage.page.getByText('Nobody in particular').waitFor();
  await stage.page.getByRole('link', { name: 'visits', exact: true }).waitFor();
  assert.deepEqual(await tables(), ['visits']);
  await stage.page.getByText("orders isn't there for this reader").waitFor();

  await choice(/Ada/).check();
  await reads('Ada Lovelace');
  await stage.page.getByRole('heading', { name: 'orders', exact: true }).waitFor();
  assert.deepEqual(stage.complaints, []);
});

test('the switch is reached and moved by keyboard, and remembered by the tab alone', async () => {
  offerIdentities();
  await visit();
  await reads('Ada Lovelace');
  await choice(/Ada/).focus();
  await stage.page.keyboard.press('ArrowRight');
  await reads('Mary Seacole');
  await stage.page.reload();
  await reads('Mary Seacole');
  const kept = await stage.page.evaluate(() => Object.values({ ...localStorage }).join());
  assert.doesNotMatch(kept, /Mary/);
});

test('tokens are shown in a header and in a message, and in no address', async () => {
  offerIdentities();
  await visit();
  await reads('Ada Lovelace');
  await live();
  const [first, second] = stage.server.received;
  assert.deepEqual(first, { op: 'auth', token: '1-1' });
  assert.equal(second.op, 'subscribe', 'not before the token was taken');
  const addresses = [...stage.server.requested, stage.page.url()];
  assert.ok(
    addresses.every((address) => !address.includes('1-1')),
    addresses.join(),
  );
});

test('when a token ends the demo renews it, and the feed goes on', async () => {
  offerIdentities();
  await visit();
  await live();
  stage.server.batch(stage.server.order('created', { id: 1, status: 'open' }));
  await row(1).waitFor();
  stage.server.tokens.clear();
  stage.server.close(4401, 'the token has expired');
  await stage.page.getByText(/Reconnecting: the token has expired/).waitFor();
  await stage.server.subscribed(2);
  await phase('live');
  assert.notEqual(stage.server.received.findLast(({ op }) => op === 'auth').token, '1-1');
  stage.server.batch(stage.server.order('patched', { id: 1, status: 'paid' }));
  await (await cell(1, 'status')).getByText('paid').waitFor();
});

test('without a demo there is a field for a token, which is kept only if the reader says so', async () => {
  stage.server.anonymous = false;
  stage.server.tokens.set('abc', { sub: '42' });
  await stage.open('#table=orders');
  await stage.page.getByRole('heading', { name: 'You need to sign in' }).waitFor();
  assert.equal(await stage.page.locator('#switch').isVisible(), false);
  await stage.page.getByLabel('Token', { exact: true }).last().fill('Bearer wrong');
  await stage.page.keyboard.press('Enter');
  await stage.page.getByRole('heading', { name: 'The token was refused' }).waitFor();

  await stage.page.locator('[name="token"]').fill(' Bearer abc\n');
  await stage.page.getByRole('button', { name: 'Use it' }).click();
  await reads('42');
  await phase('live');
  assert.equal(await stage.page.locator('#identity').innerText(), '42');
  assert.equal(await stage.page.locator('[name="token"]').inputValue(), '');
  await stage.page.reload();
  await stage.page.getByRole('heading', { name: 'You need to sign in' }).waitFor();

  await stage.page.locator('[name="token"]').fill('abc');
  await stage.page.getByLabel('keep it until this tab is closed').check();
  await stage.page.getByRole('button', { name: 'Use it' }).click();
  await reads('42');
  await stage.page.reload();
  await reads('42');
  await stage.page.getByRole('button', { name: 'Token' }).click();
  await stage.page.getByRole('button', { name: 'Forget it' }).click();
  await stage.page.getByRole('heading', { name: 'You need to sign in' }).waitFor();
  await stage.page.reload();
  await stage.page.getByRole('heading', { name: 'You need to sign in' }).waitFor();
});

test('a token that ends is said, and asked for anew', async () => {
  stage.server.anonymous = false;
  stage.server.tokens.set('abc', { sub: '42' });
  await stage.open('#table=orders');
  await stage.page.locator('[name="token"]').fill('abc');
  await stage.page.keyboard.press('Enter');
  await live();
  const { connections } = stage.server;
  stage.server.close(4401, 'the token has expired');
  await phase('closed');
  await stage.page.getByRole('heading', { name: 'Your token has ended' }).waitFor();
  assert.match(await stage.page.locator('#connection').innerText(), /the token has expired/);
  assert.equal(stage.server.connections, connections);
  stage.server.tokens.set('new', { sub: '42' });
  await stage.page.locator('[name="token"]').fill('new');
  await stage.page.keyboard.press('Enter');
  await phase('live');
});

test('a masked cell is a dash that says why, and differs from null', async () => {
  await visit();
  await live();
  const { customer: _, ...data } = order('created', 1, { note: null }).data;
  stage.server.batch(stage.server.order('created', data));
  await row(1).waitFor();
  const masked = await cell(1, 'customer');
  assert.equal(await masked.innerText(), '—');
  assert.equal(await masked.getAttribute('title'), 'not visible to you');
  assert.equal(await (await cell(1, 'note')).innerText(), 'null');
  stage.server.batch(order('patched', 1, {}, { changed: ['customer'] }));
  await masked.getByText('Ada').waitFor();
  stage.server.batch(stage.server.order('patched', data));
  await masked.getByText('—').waitFor();
  await row(1).click();
  await stage.page.locator('#detail').getByText('— not visible to you').waitFor();
  await untilReceived();
});
