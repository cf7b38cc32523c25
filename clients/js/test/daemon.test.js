// The client on the daemon itself: `rowcast demo`, whose shop never stops changing.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import WebSocket from 'ws';
import { startDemo } from '../../../tests/browser/demo.js';
import { connect } from '../src/client.js';
import { keyOf } from '../src/client/key.js';
import { isSame } from '../src/client/same.js';
import { Proxy } from './proxy.js';
import { until } from './stage.js';

const TABLES = ['orders', 'order_items', 'customers', 'products', 'messages'];

let demo;
let clients = [];
/** Tokens of the demo's identities. */
let tokens;

before(
  async () => {
    demo = await startDemo(20);
    tokens = await demo.tokens();
  },
  { timeout: 60_000 },
);
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
after(async () => {
  await demo?.stop();
});

function join(name, options) {
  const token = tokens.get(name);
  const client = connect({ url: demo.url, token, WebSocket, ...options });
  clients.push(client);
  return client;
}

/** Waits until the mirror is what a fresh reading of the table says, at some moment. */
async function becomesEqual(mirror, table, token, query = '') {
  const headers = { authorization: `Bearer ${token}` };
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await fetch(`${demo.url}v1/tables/${table}/rows${query}`, { headers });
    const { rows } = await answer.json();
    const read = new Map(rows.map((row) => [keyOf(mirror.key, row, 'string'), row]));
    if (isSame([...read].sort(byKey), [...mirror.rows].sort(byKey))) return;
    await new Promise((done) => {
      setTimeout(done, tries);
    });
  }
  assert.fail(`the mirror of ${table} never was what the table is`);
}

const byKey = ([a], [b]) => (a < b ? -1 : 1);

for (const transport of ['websocket', 'sse', 'polling']) {
  for (const name of ['Ada Lovelace', 'Mary Seacole']) {
    test(`${transport}: ${name}'s mirrors are what the tables are`, async () => {
      const client = join(name, { transports: [transport] });
      const mirrors = TABLES.map((table) => client.mirror(table));
      await Promise.all(mirrors.map(({ ready }) => ready));
      let changes = 0;
      mirrors[0].subscribe((some) => {
        changes += some.length;
      });
      await until(() => changes >= 3);
      const token = tokens.get(name);
      await Promise.all(mirrors.map((mirror, i) => becomesEqual(mirror, TABLES[i], token)));
      assert.deepEqual([...new Set(mirrors.map(({ status }) => status))], ['live']);
    });
  }
}

test('a filter holds for rows and for what comes', async () => {
  const client = join('Mary Seacole');
  const where = "status = 'paid' and total > $1";
  const mirror = client.mirror('orders', { where, params: [10n], columns: ['status', 'total'] });
  await mirror.ready;
  const kinds = new Set();
  mirror.subscribe((changes) => changes.forEach(({ event }) => kinds.add(event)));
  await until(() => kinds.has('created') && kinds.has('removed'));
  assert.deepEqual(Object.keys(mirror.view()[0]), ['id', 'status', 'total']);
  assert.ok(mirror.view().every(({ status, total }) => status === 'paid' && total > 10));
  const query = new URLSearchParams({ where, params: '[10]', columns: 'status,total' });
  await becomesEqual(mirror, 'orders', tokens.get('Mary Seacole'), `?${query}`);
});

test('what is wrong with a filter is said at its place', async () => {
  for (const transport of ['websocket', 'sse', 'polling']) {
    const mirror = join('Mary Seacole', { transports: [transport] }).mirror('orders', {
      where: "status = 'paid' and totl > 1",
    });
    await assert.rejects(mirror.ready, { code: 'invalid_filter', position: 21, fatal: true });
  }
});

test('WebSocket, then streams are blocked, then all are let through: no gap', async () => {
  const proxy = await Proxy.start(demo.url);
  try {
    const client = join('Mary Seacole', {
      url: proxy.url,
      timing: { betterFirstMs: 200, betterMostMs: 200, retryFirstMs: 50, pollMs: 2_000 },
    });
    const mirror = client.mirror('orders');
    const resets = [];
    let events = 0;
    client.subscribe('orders', {}, { reset: (why) => resets.push(why) });
    mirror.subscribe((changes) => {
      events += changes.length;
    });
    await mirror.ready;
    const isMoving = async () => {
      const then = events;
      await until(() => events > then + 2);
    };
    for (const [change, transport] of [
      [() => {}, 'websocket'],
      [() => proxy.block('websocket'), 'sse'],
      [() => proxy.block('sse'), 'polling'],
      [() => proxy.allow('sse'), 'sse'],
      [() => proxy.allow('websocket'), 'websocket'],
      [() => proxy.cut(), 'websocket'],
    ]) {
      change();
      await until(() => client.transport === transport);
      await isMoving();
      await becomesEqual(mirror, 'orders', tokens.get('Mary Seacole'));
    }
    assert.deepEqual(resets, []);
  } finally {
    await proxy.stop();
  }
});

test('over one WebSocket, orders and their items agree at every moment', async () => {
  const proxy = await Proxy.start(demo.url);
  try {
    const client = join('Mary Seacole', {
      url: proxy.url,
      transports: ['websocket'],
      timing: { retryFirstMs: 20 },
    });
    const [orders, items] = [client.mirror('orders'), client.mirror('order_items')];
    await Promise.all([orders.ready, items.ready]);
    const torn = [];
    let seen = 0;
    const check = () => {
      seen += 1;
      const sums = new Map(orders.view().map(({ id }) => [id, 0]));
      for (const { order_id: id, price, quantity } of items.view()) {
        sums.set(id, (sums.get(id) ?? Infinity) + price * quantity);
      }
      const wrong = orders.view().filter(({ id, total }) => Math.abs(sums.get(id) - total) > 0.005);
      if (wrong.length > 0 || sums.size !== orders.rows.size) torn.push([wrong, sums]);
    };
    for (const mirror of [orders, items]) mirror.watch(check);
    for (let cuts = 0; cuts < 10; cuts += 1) {
      const before = seen;
      await until(() => client.status === 'live' && seen > before + 5);
      proxy.cut();
      await until(() => client.status !== 'live');
    }
    await until(() => client.status === 'live');
    await becomesEqual(items, 'order_items', tokens.get('Mary Seacole'));
    assert.deepEqual(torn, []);
  } finally {
    await proxy.stop();
  }
});
