// What only a WebSocket has: one connection for all, commits for all of them, close codes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equal, join, stage, states, until } from './stage.js';

const order = (id, status = 'open') => ({ id, status });
const item = (id, status = 'open') => [{ id, status }, {}, 'items'];
const over = { transports: ['websocket'] };

test('mirrors of one connection change together', async () => {
  const { daemon } = stage;
  daemon.commit(['created', order(1, 0)], ['created', ...item(1, 0)]);
  const client = join(over);
  const [orders, items] = [client.mirror('orders'), client.mirror('items')];
  await Promise.all([orders.ready, items.ready]);
  const pairs = [];
  const note = () => pairs.push([orders.get(1)?.status, items.get(1)?.status]);
  for (const mirror of [orders, items]) {
    mirror.subscribe(note);
    mirror.watch(note);
  }
  for (let i = 1; i <= 5; i += 1) {
    daemon.commit(['patched', order(1, i)], ['patched', ...item(1, i)]);
    if (i === 3) {
      daemon.cut();
      await until(() => client.status !== 'live');
    }
  }
  await until(() => items.get(1).status === 5);
  assert.deepEqual(
    pairs.filter(([a, b]) => a !== b),
    [],
  );
  assert.ok(pairs.length >= 4);
});

test('after a reconnect no commit shows before all have gone on', async () => {
  const { daemon } = stage;
  daemon.commit(['created', order(1, 0)], ['created', ...item(1, 0)]);
  const client = join(over);
  const [orders, items] = [client.mirror('orders'), client.mirror('items')];
  await Promise.all([orders.ready, items.ready]);
  await daemon.stop();
  await until(() => client.status !== 'live');
  daemon.commit(['patched', order(1, 1)], ['patched', ...item(1, 1)]);
  const pairs = [];
  orders.subscribe(() => pairs.push([orders.get(1).status, items.get(1).status]));
  await daemon.listen();
  await equal(items, 'items');
  assert.deepEqual(pairs, [[1, 1]]);
});

test('one that is refused when coming back holds up nobody', async () => {
  const { daemon } = stage;
  daemon.commit(['created', order(1)]);
  const client = join(over);
  const [orders, items] = [client.mirror('orders'), client.mirror('items')];
  await Promise.all([orders.ready, items.ready]);
  await daemon.stop();
  await until(() => client.status !== 'live');
  daemon.commit(['patched', order(1, 'paid')]);
  daemon.refuse = ({ table }) => table === 'items' && { code: 'forbidden' };
  await daemon.listen();
  await equal(orders);
  await until(() => items.status === 'error' && orders.status === 'live');
});

test('a batch that comes twice is told once', async () => {
  const { daemon } = stage;
  const client = join(over);
  const mirror = client.mirror('orders');
  await mirror.ready;
  const told = [];
  client.subscribe('orders', {}, { event: ({ event }) => told.push(event) });
  const seen = states(mirror);
  await until(() => daemon.asked.length === 2);
  daemon.commit(['created', order(1)], ['patched', order(1, 'paid')]);
  daemon.repeat();
  daemon.commit(['removed', order(1)]);
  await until(() => told.includes('removed'));
  assert.deepEqual(told, ['created', 'patched', 'removed']);
  assert.equal(seen.length, 2);
});

test('both events of a changed key are applied', async () => {
  const { daemon } = stage;
  daemon.commit(['created', order(1)]);
  const mirror = join(over).mirror('orders');
  await mirror.ready;
  daemon.commit(['removed', order(1), { seq: 99 }], ['created', order(2), { seq: 99 }]);
  await equal(mirror);
});

test('commits before the rows are complete show nothing of them', async () => {
  const { daemon } = stage;
  daemon.commit(['created', order(1)], ['created', order(2)], ['created', order(3)]);
  const client = join(over);
  const items = client.mirror('items');
  await items.ready;
  daemon.holdsSnapshots = true;
  const mirror = client.mirror('orders');
  await until(() => daemon.asked.length === 2);
  daemon.commit(['created', ...item(1)]);
  await equal(items, 'items');
  assert.equal(mirror.rows.size, 0);
  assert.equal(mirror.status, 'syncing');
  daemon.release();
  await equal(mirror);
});

test('rows that were complete when the connection broke are gone on from', async () => {
  const { daemon } = stage;
  daemon.commit(['created', order(1)]);
  daemon.holdsSnapshots = true;
  const mirror = join(over).mirror('orders');
  await until(() => daemon.asked.length === 1);
  const [socket] = daemon.sockets;
  const cursor = daemon.cursor;
  await until(() => socket.feeds.size === 1);
  for (const frame of [
    { op: 'synced', feed: 1, cursor },
    { op: 'events', feed: 1, events: [] },
  ]) {
    socket.send(JSON.stringify(frame));
  }
  socket.send('{"op":"pong"}', () => daemon.cut());
  daemon.commit(['created', order(2)]);
  await equal(mirror);
  assert.equal(daemon.asked.at(-1).cursor, cursor);
});

test('close codes say whether to come back', async () => {
  const { daemon } = stage;
  const client = join(over);
  const mirror = client.mirror('orders');
  await mirror.ready;
  const errors = [];
  client.watch(
    () => client.status === 'waiting' && errors.push([client.error.code, client.error.status]),
  );
  for (const code of [1011, 1013]) {
    daemon.close(code);
    await until(() => client.status === 'waiting');
    await until(() => client.status === 'live');
  }
  assert.deepEqual(errors, [
    ['unavailable', 1011],
    ['unavailable', 1013],
  ]);
  daemon.close(4409, 'too many connections');
  await until(() => client.status === 'waiting');
  assert.equal(client.error.code, 'limit_reached');
  assert.equal(client.error.detail, 'too many connections');
  client.reconnect();
  await until(() => client.status === 'live');
  daemon.close(4403);
  await until(() => client.status === 'closed');
  assert.deepEqual([client.error.code, client.error.fatal], ['forbidden', true]);
  assert.equal(mirror.status, 'error');
  await assert.rejects(client.mirror('orders').ready, { code: 'forbidden' });
});

test('a server that falls silent is left', async () => {
  const { daemon } = stage;
  const client = join({ ...over, timing: { silenceMs: 60 } });
  await until(() => client.status === 'live');
  await until(() => daemon.connections >= 2);
});

test('a token is renewed on the running connection, before it ends', async () => {
  const { daemon } = stage;
  const now = Math.floor(Date.now() / 1000);
  const token = (n) => {
    const claims = { sub: String(n), iat: now, exp: now + 1 };
    return `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s${n}`;
  };
  daemon.tokens = { [token(1)]: { sub: '1' }, [token(2)]: { sub: '2' } };
  let count = 0;
  const client = join({ ...over, timing: { renewLeastMs: 10 }, token: () => token((count += 1)) });
  await until(() => client.identity?.sub === '2');
  assert.equal(daemon.connections, 1);
});

test('what is asked of a closed client fails at once', async () => {
  const client = join(over);
  const mirror = client.mirror('orders');
  await mirror.ready;
  client.close();
  assert.equal(mirror.status, 'closed');
  await assert.rejects(client.mirror('orders').ready, { code: 'closed' });
});

test('who is told may end everything', async () => {
  const { daemon } = stage;
  daemon.commit(['created', order(1)]);
  const client = join(over);
  const mirror = client.mirror('orders');
  mirror.watch(() => mirror.status === 'stale' && client.close());
  await mirror.ready;
  daemon.cut();
  await until(() => client.status === 'closed');
  assert.equal(daemon.connections, 1);
});
