// The adapters, each with the library that it is for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCollection } from '@tanstack/db';
import React from 'react';
import renderer, { act } from 'react-test-renderer';
import { forReact } from '../src/client/react.js';
import { mirrorStore } from '../src/client/store.js';
import { rowcastCollectionOptions } from '../src/client/tanstack.js';
import { join, stage, until } from './stage.js';

globalThis.IS_REACT_ACT_ENVIRONMENT = true;
const order = (id, status = 'open') => ({ id, status });

test('React: components with equal options share a mirror, and show its states', async () => {
  const { daemon } = stage;
  daemon.commit(['created', order(1)]);
  const client = join();
  const { useMirror } = forReact(React);
  const renders = [];
  function Orders() {
    const state = useMirror(client, 'orders', { params: [] });
    renders.push(state);
    return React.createElement('p', null, state.rows.map(({ status }) => status).join());
  }
  let root;
  const twice = [0, 1].map((key) => React.createElement(Orders, { key }));
  await act(async () => {
    root = renderer.create(React.createElement(React.StrictMode, null, twice));
  });
  const shown = () => root.toJSON().map(({ children }) => children?.join() ?? '');
  const shows = async (text) => {
    while (shown().some((one) => one !== text)) {
      await act(async () => new Promise((resolve) => setTimeout(resolve, 2)));
    }
  };
  await shows('open');
  daemon.commit(['patched', order(1, 'paid')], ['created', order(2)]);
  await shows('paid,open');
  assert.equal(daemon.asked.length, 1);
  assert.deepEqual(renders[0], { rows: [], status: 'syncing', error: null });
  const { rows } = renders.at(-1);
  assert.deepEqual(rows, [order(1, 'paid'), order(2)]);
  await act(async () => root.unmount());
  const [socket] = daemon.sockets;
  await until(() => socket.feeds.size === 0);
});

test('a store calls at once, then with each state, and ends the mirror with its last reader', async () => {
  const { daemon } = stage;
  daemon.commit(['created', order(1)]);
  const store = mirrorStore(join(), 'orders');
  const values = [];
  const off = store.subscribe((value) => values.push(value));
  assert.deepEqual(values[0].rows, []);
  await until(() => values.at(-1).rows.length === 1 && values.at(-1).status === 'live');
  daemon.commit(['patched', order(1, 'paid')]);
  await until(() => values.at(-1).rows[0].status === 'paid');
  off();
  off();
  const again = [];
  const offAgain = store.subscribe((value) => again.push(value));
  assert.equal(again[0], values.at(-1));
  offAgain();
  const [socket] = daemon.sockets;
  await until(() => socket.feeds.size === 0);
});

/** The rows of a collection, without what it adds to them. */
const rowsOf = (collection) => collection.toArray.map(({ id, status }) => ({ id, status }));

test('TanStack DB: a collection follows the mirror, a transaction at a time', async () => {
  const { daemon } = stage;
  daemon.commit(['created', order(1)], ['created', order(2)]);
  const collection = createCollection(
    rowcastCollectionOptions({ client: join(), table: 'orders', startSync: true }),
  );
  await collection.preload();
  assert.deepEqual(rowsOf(collection), [order(1), order(2)]);
  const batches = [];
  collection.subscribeChanges(
    (changes) => batches.push(changes.map(({ type, key }) => `${type} ${key}`)),
    {
      includeInitialState: true,
    },
  );
  batches.length = 0;
  daemon.commit(
    ['removed', order(1)],
    ['created', order(1, 'again')],
    ['created', order(3)],
    ['patched', order(3, 'paid')],
    ['created', order(4)],
    ['removed', order(4)],
    ['removed', order(2)],
  );
  await until(() => batches.length === 1);
  assert.deepEqual(batches[0].sort(), ['delete 2', 'insert 3', 'update 1']);
  assert.deepEqual(rowsOf(collection), [order(1, 'again'), order(3, 'paid')]);
  await collection.cleanup();
});

test('TanStack DB: what may not be read is an error of the collection', async () => {
  stage.daemon.refuse = () => ({ code: 'unknown_table', detail: 'no such table' });
  const collection = createCollection(
    rowcastCollectionOptions({ client: join(), table: 'orders', startSync: true }),
  );
  await assert.rejects(collection.preload(), { code: 'unknown_table' });
});
