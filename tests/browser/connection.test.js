import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cell, live, order, phase, row, stage, untilReceived, visit } from './stage.js';

const ROW = { id: 1, customer: 'Ada', status: 'open', total: 12.5, note: null, extra: {} };

test('a batch that broke off is never shown', async () => {
  await visit();
  await live();
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

test('while the server is away the rows stay, and say that they are stale', async () => {
  stage.server.rows = { orders: [ROW] };
  await visit();
  await row(1).waitFor();
  await stage.server.stop();
  await stage.page.getByText(/Reconnecting/).waitFor();
  await stage.page.locator('.panel[data-status="stale"]').waitFor();
  assert.equal(await row(1).count(), 1);
  await stage.server.listen();
  await stage.page.getByRole('button', { name: 'Retry now' }).click();
  await phase('live');
  await stage.server.subscribed(2);
  assert.match(stage.server.subscriptions[1].cursor, /^cursor-/, 'it goes on where it was');
  stage.server.batch(order('patched', 1, { status: 'paid' }, { changed: ['status'] }));
  await (await cell(1, 'status')).getByText('paid').waitFor();
  await live();
});

test('rows that were read anew show what is different', async () => {
  stage.server.rows = { orders: [ROW, { ...ROW, id: 2 }] };
  await visit();
  await row(2).waitFor();
  stage.server.rows = {
    orders: [
      { ...ROW, status: 'paid' },
      { ...ROW, id: 3 },
    ],
  };
  stage.server.reset('cursor_expired');
  await row(3).waitFor();
  assert.equal(await row(3).getAttribute('data-event'), 'created');
  assert.match(await (await cell(1, 'status')).getAttribute('class'), /changed/);
  assert.equal(await row(2).getAttribute('data-event'), 'removed');
  await row(2).waitFor({ state: 'detached' });
});

const CLOSES = [
  [4401, 'token expired', /Closed: token expired \(4401\)/],
  [4403, '', /Closed: pages of this origin may not connect \(4403\)/],
  [1008, 'not a known op', /Closed: not a known op \(1008\)/],
];

for (const [code, reason, expected] of CLOSES) {
  test(`close code ${code} is explained, and nothing is tried until asked`, async () => {
    await visit();
    await live();
    stage.server.close(code, reason);
    await phase('closed');
    assert.match(await stage.page.locator('#connection').innerText(), expected);
    assert.equal(stage.server.connections, 1);
    await stage.page.getByRole('button', { name: 'Connect again' }).click();
    await phase('live');
    await live();
  });
}

test('no tables, an unknown table, a refused one: each says what to do', async () => {
  const { tables } = stage.server;
  stage.server.tables = [];
  await visit('');
  await stage.page.getByRole('heading', { name: 'No tables to show' }).waitFor();
  await stage.page.context().close();

  stage.server.tables = tables;
  await visit('#table=nonsense');
  await stage.page.getByText("nonsense isn't there for this reader").waitFor();

  stage.server.refuse = () => ({ code: 'unknown_table', detail: 'visits went away' });
  await stage.page.getByRole('link', { name: 'visits', exact: true }).click();
  await stage.page.getByRole('heading', { name: "visits can't be shown" }).waitFor();
  await stage.page.getByText('Visits went away. (unknown_table)').waitFor();
});

test('a reader without a credential is told to sign in', async () => {
  stage.server.problem = { status: 401, code: 'unauthenticated', detail: 'a credential is needed' };
  await stage.open();
  await stage.page.getByRole('heading', { name: 'You need to sign in' }).waitFor();
});

test('while the database is away the page tries again', async () => {
  stage.server.problem = { status: 503, code: 'unavailable', detail: 'the database is away' };
  await stage.open();
  await stage.page.getByRole('heading', { name: 'The database is away' }).waitFor();
  stage.server.problem = null;
  await phase('live');
  await live();
});
