// What the tests of the client have in common: a daemon for each, clients that end with it.

import assert from 'node:assert/strict';
import { afterEach, beforeEach } from 'node:test';
import WebSocket from 'ws';
import { connect } from '../src/client.js';
import { FakeDaemon } from './fake-daemon.js';

const DEADLINE_MS = 15_000;
/** So that nothing is waited for longer than a test may take. */
export const QUICK = {
  helloMs: 1_500,
  firstBytesMs: 1_500,
  pollMs: 1_000,
  shortPollMs: 20,
  betterFirstMs: 100,
  betterMostMs: 100,
  retryFirstMs: 20,
  retryMostMs: 50,
};

/** The running test's daemon. @type {{ daemon: FakeDaemon }} */
export const stage = { daemon: null };
let clients = [];

beforeEach(async () => {
  stage.daemon = await FakeDaemon.start();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await stage.daemon.stop();
});

/** A client of this test's daemon. */
export function join({ timing, ...options } = {}) {
  const client = connect({
    url: stage.daemon.url,
    WebSocket,
    timing: { ...QUICK, ...timing },
    random: () => 0.5,
    ...options,
  });
  clients.push(client);
  return client;
}

/** Waits until this no longer throws and isn't false; at the deadline its own failure is thrown. */
export async function until(check) {
  const end = performance.now() + DEADLINE_MS;
  for (;;) {
    try {
      const result = check();
      if (result !== false) return result;
      if (performance.now() > end) assert.fail(`never came true: ${check}`);
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
  }
}

/** Waits until the mirror's rows are the table's. */
export function equal(mirror, table = 'orders') {
  const sorted = (rows) => [...rows].sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1));
  return until(() => assert.deepEqual(sorted(mirror.view()), sorted(stage.daemon.rows(table))));
}

/** Gathers every state that the mirror shows. */
export function states(mirror) {
  const seen = [];
  mirror.subscribe(() => seen.push(mirror.view()));
  return seen;
}
