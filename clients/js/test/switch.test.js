// From one transport to the next and back, without a gap.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Proxy } from './proxy.js';
import { equal, join, stage, until } from './stage.js';

const order = (id, status = 'open') => ({ id, status });
let proxy;
afterEach(() => proxy?.stop());

/** A mirror over a proxy, with a writer that never rests: rows 0 to 9 always sum up to nothing. */
async function busyMirror(options) {
  const { daemon } = stage;
  proxy = await Proxy.start(daemon.url);
  for (let i = 0; i < 10; i += 1) daemon.commit(['created', order(i, 0)]);
  let written = 0;
  const write = () => {
    const [from, to] = [written % 10, (written * 7 + 3) % 10];
    written += 1;
    if (from === to) return;
    const of = (id) => daemon.tables.orders.get(String(id)).status;
    daemon.commit(['patched', order(from, of(from) - 1)], ['patched', order(to, of(to) + 1)]);
  };
  const writer = setInterval(write, 2);
  const client = join({ url: proxy.url, ...options });
  const mirror = client.mirror('orders');
  const torn = [];
  let seen = 0;
  mirror.subscribe(() => {
    seen += 1;
    const sum = mirror.view().reduce((total, { status }) => total + status, 0);
    if (sum !== 0 || mirror.rows.size !== 10) torn.push(mirror.view());
  });
  await mirror.ready;
  const finish = async () => {
    clearInterval(writer);
    await equal(mirror);
    assert.deepEqual(torn, []);
    assert.equal(
      daemon.asked.filter(({ what, snapshot, cursor }) => what === 'rows' || (snapshot && !cursor))
        .length,
      1,
      'the rows are read once',
    );
  };
  const isMoving = async () => {
    const before = seen;
    await until(() => seen > before + 3);
  };
  return { client, isMoving, finish };
}

for (const how of ['refuse', 'hang']) {
  test(`WebSocket, then streams, then polls are blocked (${how}), then all are let through`, async () => {
    const { client, isMoving, finish } = await busyMirror();
    const over = [];
    client.watch(() => {
      if (client.transport && client.transport !== over.at(-1)) over.push(client.transport);
    });
    over.push(client.transport);
    await isMoving();
    proxy.block('websocket', how);
    await until(() => client.transport === 'sse');
    await isMoving();
    proxy.block('sse', how);
    await until(() => client.transport === 'polling');
    await isMoving();
    proxy.allow('sse');
    await until(() => client.transport === 'sse');
    await isMoving();
    proxy.allow('websocket');
    await until(() => client.transport === 'websocket');
    await isMoving();
    assert.deepEqual(over, ['websocket', 'sse', 'polling', 'sse', 'websocket']);
    await finish();
  });
}

test('a proxy that holds streams back is told from one that lets them through', async () => {
  const { client, isMoving, finish } = await busyMirror();
  proxy.block('websocket');
  proxy.block('sse', 'buffer');
  await until(() => client.transport === 'polling');
  await isMoving();
  await finish();
});

test('with everything blocked it waits, and then goes on', async () => {
  const { client, isMoving, finish } = await busyMirror();
  await stage.daemon.stop();
  await until(() => client.status === 'waiting');
  assert.equal(client.error.code, 'network');
  assert.equal(client.transport, null);
  await stage.daemon.listen();
  await isMoving();
  await until(() => client.transport === 'websocket');
  await finish();
});

test('a daemon that answers that it is away is waited for, not gone around', async () => {
  const { daemon } = stage;
  daemon.refuse = () => ({ status: 503, code: 'unavailable' });
  const client = join({ transports: ['sse', 'polling'] });
  const mirror = client.mirror('orders');
  await until(() => client.error?.code === 'unavailable');
  daemon.refuse = () => null;
  await mirror.ready;
  assert.equal(client.transport, 'sse');
});

test('where sockets are forbidden, streams serve', async () => {
  class Forbidden {
    constructor() {
      throw new DOMException('mixed content', 'SecurityError');
    }
  }
  const client = join({ WebSocket: Forbidden });
  await client.mirror('orders').ready;
  assert.equal(client.transport, 'sse');
});
