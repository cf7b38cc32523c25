import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFrame } from '../../web/frame.js';
import { begin, EVENTS_KEPT, reduce, REMOVED_SHOWN_MS, ROWS_KEPT, sweep } from '../../web/state.js';

const COLUMNS = [
  { name: 'id', type: 'bigint' },
  { name: 'status', type: 'text' },
];
const NOW = 1_000_000;

function ready(key = ['id']) {
  return play(begin({ key, columns: COLUMNS }), {
    op: 'subscribed',
    id: 'a',
    key,
    columns: COLUMNS,
  });
}

function play(state, ...messages) {
  return messages.reduce((before, message) => reduce(before, message, NOW), state);
}

function events(...list) {
  return {
    op: 'events',
    id: 'a',
    events: readFrame(JSON.stringify({ op: 'events', feed: 1, events: list })).events,
  };
}

const COMMIT = { op: 'commit', cursor: 'c' };
const order = (event, id, status, more = {}) => ({
  event,
  key: { id },
  data: { id, status },
  tx: '1',
  ...more,
});
const shown = (state) =>
  [...state.shown.rows.values()].map((row) => [row.id, row.cells?.get('status'), row.last.event]);

test('nothing of a batch shows before its commit', () => {
  const before = ready();
  const during = play(
    before,
    events(order('created', 1, 'open')),
    events(order('created', 2, 'open')),
  );
  assert.equal(during.shown, before.shown);
  assert.deepEqual(shown(play(during, COMMIT)), [
    ['1', '"open"', 'created'],
    ['2', '"open"', 'created'],
  ]);
});

test('what was shown is not touched by what follows', () => {
  const first = play(ready(), events(order('created', 1, 'open')), COMMIT);
  play(first, events(order('patched', 1, 'paid'), order('created', 2, 'open')), COMMIT);
  assert.deepEqual(shown(first), [['1', '"open"', 'created']]);
  assert.equal(first.shown.events.length, 1);
});

test('each event does what the protocol says', () => {
  const table = [
    [[order('created', 1, 'a'), order('patched', 1, 'b')], [['1', '"b"', 'patched']]],
    [[order('created', 1, 'a'), order('updated', 1, 'b')], [['1', '"b"', 'updated']]],
    [[order('patched', 1, 'a')], [['1', '"a"', 'patched']]],
    [[order('created', 1, 'a'), order('removed', 1, 'a')], [['1', '"a"', 'removed']]],
    [[order('removed', 1, 'a'), order('created', 1, 'b')], [['1', '"b"', 'created']]],
    [
      [order('removed', 1, 'a'), order('created', 2, 'a')],
      [
        ['1', '"a"', 'removed'],
        ['2', '"a"', 'created'],
      ],
    ],
    [[order('created', 1, 'a'), { event: 'truncated', key: null }], []],
    [
      [{ event: 'patched', key: { id: 1 }, oversize: true, changed: ['status'] }],
      [['1', undefined, 'patched']],
    ],
  ];
  for (const [list, expected] of table) {
    assert.deepEqual(shown(play(ready(), events(...list), COMMIT)), expected);
  }
});

test('two events of one batch about a row leave the row as the last one says', () => {
  const state = play(ready(), events(order('created', 1, 'a'), order('patched', 1, 'b')), COMMIT);
  assert.equal(state.shown.rows.get('1').times, 2);
  assert.deepEqual(state.shown.counts, {
    created: 1,
    entered: 0,
    patched: 1,
    left: 0,
    removed: 0,
    truncated: 0,
  });
});

test('without a key every event is a line of its own', () => {
  const state = play(
    ready([]),
    events(order('created', 1, 'a', { key: null }), order('patched', 1, 'b', { key: null })),
    COMMIT,
  );
  assert.equal(state.shown.rows.size, 2);
});

test('keys beyond 2^53 stay apart', () => {
  const frame =
    '{"op":"events","feed":1,"events":[{"event":"created","key":{"id":9007199254740992},"data":{}},' +
    '{"event":"created","key":{"id":9007199254740993},"data":{}}]}';
  const state = play(ready(), { ...readFrame(frame), id: 'a' }, COMMIT);
  assert.deepEqual([...state.shown.rows.keys()], ['9007199254740992', '9007199254740993']);
});

test('keys of several columns stay apart', () => {
  const pair = (a, b) => ({ event: 'created', key: { a, b }, data: {} });
  const state = play(
    ready(['a', 'b']),
    events(pair('x,', 'y'), pair('x', ',y'), pair(1, '1'), pair('1', 1)),
    COMMIT,
  );
  assert.equal(state.shown.rows.size, 4);
});

test('a lost connection voids the open batch', () => {
  const state = play(ready(), events(order('created', 1, 'a')), { op: 'lost' }, COMMIT);
  assert.deepEqual(shown(state), []);
});

test('after a reconnect what was listed is marked as possibly out of date', () => {
  const again = { op: 'subscribed', id: 'a', key: ['id'], columns: COLUMNS };
  const state = play(ready(), events(order('created', 1, 'a')), COMMIT, { op: 'lost' }, again);
  assert.equal(state.shown.rows.get('1').stale, true);
  assert.equal(state.shown.notice.kind, 'gap');
  const after = play(state, events(order('patched', 1, 'b')), COMMIT);
  assert.equal(after.shown.rows.get('1').stale, false);
});

test('a reset empties the list, at once and with the open batch', () => {
  const reset = { op: 'reset', id: 'a', reason: 'cursor_expired' };
  const state = play(
    ready(),
    events(order('created', 1, 'a')),
    COMMIT,
    events(order('created', 2, 'a')),
    reset,
    COMMIT,
  );
  assert.deepEqual(shown(state), []);
  assert.deepEqual(state.shown.notice, { kind: 'reset', at: NOW, reason: 'cursor_expired' });
});

test('a removed row leaves after a while, unless it came back', () => {
  const state = play(
    ready(),
    events(order('removed', 1, 'a'), order('removed', 2, 'a'), order('created', 2, 'b')),
    COMMIT,
  );
  assert.equal(sweep(state, NOW + REMOVED_SHOWN_MS - 1), state);
  assert.deepEqual(shown(sweep(state, NOW + REMOVED_SHOWN_MS)), [['2', '"b"', 'created']]);
});

test('a transaction of any size stays within bounds, and the rows that changed last are kept', () => {
  let state = ready();
  for (let first = 0; first < 100_000; first += 10_000) {
    const list = Array.from({ length: 10_000 }, (_, i) => order('created', first + i, 'a'));
    state = play(state, events(...list));
    assert.ok(
      state.draft.rows.size <= ROWS_KEPT * 8 && state.draft.events.length <= EVENTS_KEPT * 4,
    );
  }
  state = play(state, COMMIT);
  assert.equal(state.shown.rows.size, ROWS_KEPT);
  assert.equal(state.shown.events.length, EVENTS_KEPT);
  assert.equal(state.shown.total, 100_000);
  assert.ok(state.shown.rows.has('99999') && !state.shown.rows.has('0'));
});

test('after a reset the table comes with the columns that it has now', () => {
  const columns = [{ name: 'id', type: 'bigint' }];
  const state = play(
    ready(),
    events(order('created', 1, 'a')),
    COMMIT,
    { op: 'reset', id: 'a', reason: 'table_changed' },
    { op: 'subscribed', id: 'a', key: ['id'], columns },
  );
  assert.deepEqual(state.columns, columns);
  assert.equal(state.shown.notice.kind, 'reset');
});

test('rows that come into view or leave it are counted as such', () => {
  const state = play(
    ready(),
    events(
      order('created', 1, 'a', { cause: 'enter' }),
      order('created', 2, 'a'),
      order('removed', 1, 'a', { cause: 'leave' }),
    ),
    COMMIT,
  );
  const { entered, left, created, removed } = state.shown.counts;
  assert.deepEqual([entered, left, created, removed], [1, 1, 1, 0]);
  assert.equal(state.shown.rows.get('1').last.cause, 'leave');
});

test('a refused subscription says why, and leaves no rows that nobody keeps up to date', () => {
  const state = play(ready(), events(order('created', 1, 'a')), COMMIT, {
    op: 'error',
    id: 'a',
    code: 'invalid_filter',
    detail: 'no such column',
    position: 3,
  });
  assert.deepEqual(state.subscription, {
    phase: 'refused',
    code: 'invalid_filter',
    detail: 'no such column',
    position: 3,
  });
  assert.deepEqual(shown(state), []);
});

test('an error about nothing in particular is told, and changes nothing else', () => {
  const before = play(ready(), events(order('created', 1, 'a')), COMMIT);
  const state = play(before, {
    op: 'error',
    id: undefined,
    code: 'invalid_request',
    detail: 'what?',
  });
  assert.deepEqual(state.shown.notice, { kind: 'fault', at: NOW, reason: 'what?' });
  assert.equal(state.shown.rows, before.shown.rows);
});
