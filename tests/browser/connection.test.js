import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ORDERS } from './fake-server.js';
import { cell, empty, order, phase, row, stage, untilReceived, visit, waiting } from './stage.js';

test('a batch that broke off is never shown', async () => {
  await visit();
  await waiting();
  stage.server.events(order('created', 1));
  await untilReceived();
  stage.server.close(1012);
  await phase('waiting');
  await stage.page.getByRole('button', { name: 'Retry now' }).click();
  await stage.server.subscribed(2);
  stage.server.batch(order('created', 2));
  await row(2).waitFor();
  assert.equal(await row(1).count(), 0);
});

test('the page reconnects by itself, and says what may have been missed', async () => {
  await visit();
  await waiting();
  stage.server.batch(order('created', 1));
  await row(1).waitFor();
  await stage.server.stop();
  await stage.page.getByText(/Reconnecting in \d+ s: the connection was lost/).waitFor();
  await stage.server.listen();
  await phase('live');
  await stage.page.getByText('Changes made in between').waitFor();
  assert.match(await row(1).getAttribute('class'), /stale/);
  stage.server.batch(order('patched', 1, { status: 'paid' }, { changed: ['status'] }));
  await (await cell(1, 'status')).getByText('paid').waitFor();
  assert.doesNotMatch(await row(1).getAttribute('class'), /stale/);
});

const CLOSES = [
  [
    4401,
    'token expired',
    /Closed: the credential was refused or has ended \(4401: token expired\)/,
  ],
  [4403, '', /Closed: pages of this origin may not connect \(4403\)/],
  [1008, 'not a known op', /Closed: .* \(1008: not a known op\)/],
];

for (const [code, reason, expected] of CLOSES) {
  test(`close code ${code} is explained, and nothing is tried until asked`, async () => {
    await visit();
    await waiting();
    stage.server.close(code, reason);
    await phase('closed');
    assert.match(await stage.page.locator('#connection').innerText(), expected);
    assert.equal(stage.server.connections, 1);
    await stage.page.getByRole('button', { name: 'Connect again' }).click();
    await phase('live');
  });
}

test('no tables, an unknown table, a refused one: each says what to do', async () => {
  stage.server.tables = [];
  await visit('');
  await stage.page.getByRole('heading', { name: 'No tables to show' }).waitFor();
  await stage.page.context().close();

  stage.server.tables = [ORDERS];
  await visit('#table=nonsense');
  await stage.page.getByRole('heading', { name: 'There is no table “nonsense” here' }).waitFor();

  stage.server.refuse = () => ({ code: 'unknown_table', detail: 'orders went away' });
  await stage.page.getByRole('link', { name: 'orders' }).click();
  await stage.page.getByRole('heading', { name: "orders can't be watched" }).waitFor();
  assert.match(await empty(), /Orders went away\. \(unknown_table\)/);
});

test('a reader without a credential is told to sign in', async () => {
  stage.server.problem = { status: 401, code: 'unauthenticated', detail: 'a credential is needed' };
  await stage.open();
  await stage.page.getByRole('heading', { name: 'You need to sign in' }).waitFor();
  assert.equal(stage.server.connections, 0);
});

test('while the database is away the page tries again', async () => {
  stage.server.problem = { status: 503, code: 'unavailable', detail: 'the database is away' };
  await stage.open();
  await stage.page.getByRole('heading', { name: 'The database is away' }).waitFor();
  stage.server.problem = null;
  await phase('live');
  await waiting();
});
