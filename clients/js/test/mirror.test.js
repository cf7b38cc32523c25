// Mirrors over each transport: what holds whichever way the feed comes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equal, join, stage, states, until } from './stage.js';

const order = (id, status = 'open') => ({ id, status });

for (const transport of ['websocket', 'sse', 'polling']) {
  const over = { transports: [transport] };

  test(`${transport}: rows, then what happens to them`, async () => {
    const { daemon } = stage;
    daemon.commit(['created', order(1)], ['created', order(2)], ['created', order(3)]);
    const client = join(over);
    const mirror = client.mirror('orders');
    assert.equal(mirror.rows.size, 0);
    await mirror.ready;
    assert.equal(client.transport, transport);
    assert.deepEqual(mirror.view(), daemon.rows());
    const told = [];
    mirror.subscribe((changes) => told.push(changes));
    daemon.commit(['patched', order(1, 'paid')], ['removed', order(2)], ['created', order(4)]);
    await equal(mirror);
    const by = told.flat().map((change) => change.by);
    assert.deepEqual(by.map(({ event, key }) => [event, key.id]), [
      ['patched', 1],
      ['removed', 2],
      ['created', 4],
    ]);
    assert.deepEqual(told, [
      [
        { event: 'patched', key: 1, row: order(1, 'paid'), old: order(1), by: by[0] },
        { event: 'removed', key: 2, row: null, old: order(2), by: by[1] },
        { event: 'created', key: 4, row: order(4), old: null, by: by[2] },
      ],
    ]);
    daemon.commit(['truncated', null]);
    await until(() => mirror.rows.size === 0);
    assert.equal(mirror.status, 'live');
  });

  test(`${transport}: what was missed while there was no connection`, async () => {
    const { daemon } = stage;
    daemon.commit(['created', order(1)]);
    const mirror = join(over).mirror('orders');
    await mirror.ready;
    await daemon.stop();
    await until(() => mirror.status === 'stale');
    daemon.commit(['created', order(2)], ['patched', order(1, 'paid')]);
    assert.deepEqual(mirror.view(), [order(1)]);
    const seen = states(mirror);
    await daemon.listen();
    await equal(mirror);
    assert.equal(seen.length, 1);
    assert.ok(!daemon.asked.slice(-1)[0].cursor?.includes('null'));
  });

  test(`${transport}: a batch that breaks off shows nothing, and comes again`, async () => {
    if (transport === 'polling') return;
    const { daemon } = stage;
    daemon.commit(['created', order(1)]);
    const mirror = join(over).mirror('orders');
    await mirror.ready;
    const seen = states(mirror);
    daemon.commitAndBreak(2, ['created', order(2)], ['created', order(3)], ['removed', order(1)]);
    await equal(mirror);
    assert.equal(seen.length, 1);
  });

  test(`${transport}: after a reset the old rows stay until the new ones are complete`, async () => {
    const { daemon } = stage;
    daemon.commit(['created', order(1)], ['created', order(2)], ['created', order(3)]);
    const mirror = join(over).mirror('orders');
    await mirror.ready;
    daemon.commit(['patched', order(1, 'paid')]);
    daemon.commit(['patched', order(1)]);
    await until(() => mirror.cursor === daemon.cursor);
    const kept = mirror.get(2);
    const told = [];
    mirror.subscribe((changes) => told.push(...changes));
    await daemon.stop();
    await until(() => mirror.status === 'stale');
    daemon.renew([order(2), order(3, 'paid'), order(9)]);
    daemon.holdsSnapshots = true;
    await daemon.listen();
    if (transport !== 'polling') {
      await until(() => mirror.status === 'syncing' && daemon.asked.at(-1).cursor);
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
      assert.deepEqual([...mirror.rows.keys()], [1, 2, 3]);
      daemon.release();
    }
    await equal(mirror);
    assert.equal(mirror.get(2), kept);
    assert.deepEqual(told, [
      { event: 'removed', key: 1, row: null, old: order(1), by: null },
      { event: 'patched', key: 3, row: order(3, 'paid'), old: order(3), by: null },
      { event: 'created', key: 9, row: order(9), old: null, by: null },
    ]);
    for (let i = 0; i < 6; i += 1) {
      daemon.commit(['patched', order(9, `sequence number ${i} of the life before`)]);
      await equal(mirror);
    }
    await until(() => mirror.status === 'live');
  });

  test(`${transport}: a cursor that is too old is answered by rows`, async () => {
    const { daemon } = stage;
    daemon.commit(['created', order(1)]);
    const mirror = join(over).mirror('orders');
    await mirror.ready;
    await daemon.stop();
    await until(() => mirror.status === 'stale');
    daemon.commit(['created', order(2)]);
    daemon.forget();
    await daemon.listen();
    await equal(mirror);
  });

  test(`${transport}: what a mirror may not read ends it, and it alone`, async () => {
    const { daemon } = stage;
    daemon.commit(['created', order(1)]);
    daemon.refuse = ({ where }) =>
      where === 'x' && {
        code: 'invalid_filter',
        status: 400,
        detail: 'no such column',
        position: 1,
      };
    const client = join(over);
    const [good, bad] = [client.mirror('orders'), client.mirror('orders', { where: 'x' })];
    await assert.rejects(bad.ready, { code: 'invalid_filter', position: 1, fatal: true });
    assert.equal(bad.status, 'error');
    await good.ready;
    daemon.commit(['created', order(2)]);
    await equal(good);
    assert.equal(client.status, 'live');
  });

  test(`${transport}: subscriptions hand on whole batches, and go on from a cursor`, async () => {
    const { daemon } = stage;
    const client = join(over);
    const batches = [];
    const kinds = [];
    const feed = client.subscribe(
      'orders',
      {},
      {
        batch: (events, cursor) => batches.push([events.length, cursor]),
        created: ({ data }) => kinds.push(`created ${data.id}`),
        event: ({ event }) => kinds.push(event),
      },
    );
    await until(() => feed.status === 'live' && (transport !== 'polling' || feed.cursor !== null));
    await until(() => daemon.asked.length > (transport === 'polling' ? 1 : 0));
    daemon.commit(['created', order(1)], ['patched', order(1, 'paid')]);
    await until(() => batches.length === 1);
    assert.deepEqual(batches, [[2, daemon.cursor]]);
    assert.deepEqual(kinds, ['created', 'created 1', 'patched']);
    const { cursor } = feed;
    feed.unsubscribe();
    daemon.commit(['created', order(2)]);
    const later = [];
    client.subscribe('orders', { cursor }, { event: ({ key }) => later.push(key.id) });
    await until(() => later.length === 1);
    assert.deepEqual(later, [2]);
  });

  test(`${transport}: what comes right after a subscription has begun isn't missed`, async () => {
    const { daemon } = stage;
    const seen = [];
    const feed = join(over).subscribe('orders', {}, { event: ({ key }) => seen.push(key.id) });
    await until(() => feed.status === 'live');
    await daemon.stop();
    daemon.commit(['created', order(1)]);
    await daemon.listen();
    await until(() => seen.length > 0);
    assert.deepEqual(seen, [1]);
  });

  test(`${transport}: a token that has ended is fetched anew`, async () => {
    const { daemon } = stage;
    daemon.tokens = { a: { sub: '1' } };
    const next = ['a', 'a', 'b'];
    const client = join({ ...over, token: async () => next.shift() ?? 'b' });
    const mirror = client.mirror('orders');
    await mirror.ready;
    daemon.tokens = { b: { sub: '1' } };
    daemon.close(4401, 'the credential has expired');
    daemon.cut();
    await until(() => daemon.shown.includes('b') && client.status === 'live');
    daemon.commit(['created', order(1)]);
    await equal(mirror);
  });

  test(`${transport}: a token that can't be fetched anew ends everything`, async () => {
    stage.daemon.tokens = { a: {} };
    const client = join({ ...over, token: 'bad' });
    const mirror = client.mirror('orders');
    await assert.rejects(mirror.ready, { code: 'unauthenticated', fatal: true });
    assert.equal(client.status, 'closed');
    assert.equal(client.error.code, 'unauthenticated');
  });

  test(`${transport}: a row too large for an event is fetched`, async () => {
    const { daemon } = stage;
    daemon.commit(['created', order(1)]);
    const mirror = join(over).mirror('orders');
    await mirror.ready;
    daemon.commit(['patched', order(1, 'large'), { oversize: true }]);
    daemon.commit(['created', order(2, 'large'), { oversize: true }]);
    await equal(mirror);
    daemon.commit(['removed', order(2)]);
    await equal(mirror);
  });
}
