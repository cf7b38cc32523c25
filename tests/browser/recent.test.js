import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVENTS_KEPT, Log } from '../../web/log.js';
import { GONE_KEPT, GONE_SHOWN_MS, MARKS_KEPT, Recent } from '../../web/recent.js';
import { firstOf } from '../../web/sort.js';
import { ordersByMinute, revenueByStatus } from '../../web/chart.js';

const NOW = 1_000_000;
const change = (event, key, by = { event, at: 'then', changed: ['status'] }) => {
  const row = { id: key };
  return { event, key, row: event === 'removed' ? null : row, old: row, by };
};

test('rows that come into view or leave it are counted as such', () => {
  const recent = new Recent();
  const enter = { event: 'created', at: '', cause: 'enter' };
  const leave = { event: 'removed', at: '', cause: 'leave' };
  recent.add([change('created', 1, enter), change('created', 2), change('removed', 1, leave)], NOW);
  assert.deepEqual(recent.counts, { created: 1, entered: 1, patched: 0, left: 1, removed: 0 });
  assert.equal(recent.marks.get(1).cause, 'leave');
  assert.equal(recent.marks.get(1).times, 2);
});

test('a removed row leaves after a while, unless it came back', () => {
  const recent = new Recent();
  recent.add([change('removed', 1), change('removed', 2), change('created', 2)], NOW);
  recent.sweep(NOW + GONE_SHOWN_MS - 1);
  assert.deepEqual([...recent.gone.keys()], [1]);
  recent.sweep(NOW + GONE_SHOWN_MS);
  assert.deepEqual([recent.gone.size, recent.marks.has(1), recent.marks.has(2)], [0, false, true]);
});

test('truncated rows are gone at once', () => {
  const recent = new Recent();
  const by = { event: 'truncated', at: '' };
  recent.add([change('created', 1), change('removed', 1, by)], NOW);
  assert.deepEqual([recent.gone.size, recent.marks.size], [0, 0]);
});

test('of rows that were read anew it is told which columns differ', () => {
  const recent = new Recent();
  const [old, row] = [
    { id: 1, status: 'open', tags: [1] },
    { id: 1, status: 'paid', tags: [1] },
  ];
  recent.add([{ event: 'patched', key: 1, old, row, by: null }], NOW);
  assert.deepEqual(recent.marks.get(1).changed, ['status']);
});

test('what is kept is bounded, and what came last is kept', () => {
  const recent = new Recent();
  const log = new Log();
  for (let first = 0; first < 20_000; first += 5_000) {
    const of = (event) => Array.from({ length: 5_000 }, (_, i) => change(event, first + i));
    recent.add([...of('created'), ...of('removed'), ...of('created')], NOW);
    recent.add(of('removed').slice(0, 2_000), NOW);
    log.add(of('created').map(({ by }) => by));
  }
  assert.deepEqual([recent.marks.size, recent.gone.size], [MARKS_KEPT, GONE_KEPT]);
  assert.equal(recent.counts.created, 40_000);
  assert.deepEqual([log.events.length, log.total], [EVENTS_KEPT, 20_000]);
  assert.equal(log.events.at(-1).number, 20_000);
  assert.equal(log.events[0].number, 20_001 - EVENTS_KEPT);
});

test('the first of all are those that sorting all would find', () => {
  const numbers = Array.from({ length: 500 }, (_, i) => (i * 7919) % 251);
  const byValue = (a, b) => a - b;
  for (const most of [0, 1, 10, 499, 500, 900]) {
    assert.deepEqual(firstOf(numbers, byValue, most), numbers.toSorted(byValue).slice(0, most));
  }
});

test('the chart counts orders by minute and sums them in cents', () => {
  const now = Date.parse('2026-11-20T10:09:30Z');
  const order = (minute, status, total) => ({
    created_at: `2026-11-20T${minute}:59.999999+00:00`,
    status,
    total,
  });
  const orders = [
    order('09:59', 'open', 1),
    order('10:00', 'open', 0.1),
    order('10:00', 'open', 0.2),
    order('10:09', 'paid', 1234.56),
  ];
  const minutes = ordersByMinute(orders, now);
  assert.deepEqual(
    minutes.map((minute) => minute.orders),
    [2, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  );
  assert.equal(minutes[0].at, Date.parse('2026-11-20T10:00:00Z'));
  assert.deepEqual(revenueByStatus(orders).slice(0, 2), [
    { status: 'open', cents: 130, orders: 3 },
    { status: 'paid', cents: 123456, orders: 1 },
  ]);
});
