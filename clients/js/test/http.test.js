// What only requests have: how many may be open, and answers in parts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equal, join, stage, states, until } from './stage.js';

const order = (id, status = 'open') => ({ id, status });
/** A browser opens six connections to a host; two are left for other requests. */
const MAX_HELD = 4;

for (const transport of ['sse', 'polling']) {
  test(`${transport}: no more requests are held open than a browser can spare`, async () => {
    const { daemon } = stage;
    daemon.commit(['created', order(1)]);
    const client = join({ transports: [transport], timing: { pollMs: 60_000 } });
    const mirrors = Array.from({ length: 7 }, () => client.mirror('orders'));
    await Promise.all(mirrors.map(({ ready }) => ready));
    await until(() => daemon.open === MAX_HELD);
    for (let i = 0; i < 5; i += 1) {
      daemon.commit(['patched', order(1, i)]);
      await Promise.all(mirrors.map((mirror) => equal(mirror)));
    }
    // one more for a moment: the stream that proved the way
    assert.ok(daemon.mostHeld <= MAX_HELD + 1, `${daemon.mostHeld} were held`);
    for (const mirror of mirrors.slice(0, 5)) mirror.close();
    daemon.commit(['patched', order(1, 'paid')]);
    await equal(mirrors[6]);
    await until(() => daemon.open === 2);
  });
}

test('an answer in parts shows when the last has come', async () => {
  const { daemon } = stage;
  daemon.pollLimit = 2;
  const mirror = join({ transports: ['polling'] }).mirror('orders');
  await mirror.ready;
  const seen = states(mirror);
  daemon.commit(...[1, 2, 3, 4, 5].map((id) => ['created', order(id)]));
  await equal(mirror);
  assert.equal(seen.length, 1);
});

test('the token goes into a header, never into an address', async () => {
  const { daemon } = stage;
  daemon.tokens = { secret: {} };
  for (const transport of ['sse', 'polling']) {
    await join({ transports: [transport], token: 'secret' }).mirror('orders').ready;
  }
  assert.ok(daemon.shown.length > 4);
  assert.ok(!daemon.addresses.some((address) => address.includes('secret')));
});

test('a daemon that asks for patience gets it', async () => {
  const { daemon } = stage;
  let refusals = 0;
  daemon.refuse = () => (refusals += 1) === 1 && { status: 429, code: 'too_many_requests' };
  const client = join({ transports: ['polling'] });
  const [one, other] = [client.mirror('orders'), client.mirror('items')];
  await other.ready;
  assert.equal(one.status, 'syncing');
  await one.ready;
  assert.equal(client.status, 'live');
});
