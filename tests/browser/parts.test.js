import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRate, Rate } from '../../web/rate.js';
import { hashOf, readHash } from '../../web/address.js';
import { nameOf } from '../../web/api.js';
import { around } from '../../web/view/filter.js';
import { inCell, isNumeric, valueOf } from '../../web/view/value.js';

test('a value is shown as the database wrote it', () => {
  const table = [
    [undefined, 'text', 'masked', '—'],
    [null, 'text', 'null', 'null'],
    ['', 'text', 'empty', 'empty'],
    ['null', 'text', 'text', 'null'],
    [12.5, 'numeric(10,2)', 'number', '12.50'],
    [12, 'numeric(10,2)', 'number', '12.00'],
    [-0.125, 'numeric', 'number', '-0.125'],
    [7, 'bigint', 'number', '7'],
    ['9223372036854775807', 'bigint', 'number', '9223372036854775807'],
    ['12345678901234567890.5', 'numeric(30,2)', 'number', '12345678901234567890.50'],
    ['NaN', 'numeric', 'text', 'NaN'],
    [true, 'boolean', 'boolean', 'true'],
    [{ a: [1] }, 'jsonb', 'json', '{"a":[1]}'],
    ['a\u0000\n', 'text', 'text', 'a\u0000\n'],
  ];
  for (const [value, type, kind, text] of table) {
    assert.deepEqual(valueOf(value, type), { kind, text });
  }
});

test('in a cell a value is one line of limited length', () => {
  assert.equal(inCell(valueOf('a\r\nb\tc')), 'a↵b⇥c');
  assert.equal(inCell(valueOf('x'.repeat(10_000))), `${'x'.repeat(80)}…`);
});

test('in a cell a time is shown to the second', () => {
  const table = [
    ['2026-11-20T10:18:20.04085+00:00', '2026-11-20 10:18:20Z'],
    ['2026-11-20T10:18:20', '2026-11-20 10:18:20'],
    ['infinity', 'infinity'],
    ['0044-03-15T12:00:00+00:00 BC', '0044-03-15 12:00:00+00:00 BC'],
  ];
  for (const [text, shown] of table) {
    assert.equal(inCell({ kind: 'text', text }, 'timestamp with time zone'), shown);
    assert.equal(inCell({ kind: 'text', text }, 'text'), text);
  }
});

test('only numbers are set flush right', () => {
  const types = [
    'bigint',
    'numeric(12,2)',
    'double precision',
    'integer[]',
    'text',
    'int4range',
    'interval',
  ];
  assert.deepEqual(types.filter(isNumeric), ['bigint', 'numeric(12,2)', 'double precision']);
});

test('every table name and every filter survives the address', () => {
  const places = ['orders', 'sales.orders', 'a&b=c#d', 'Ærø 50%', 'x+y'].flatMap((table) =>
    ['', "status = 'open' and total > 50", "name like '%+&=#%'"].map((where) => ({ table, where })),
  );
  for (const place of places) assert.deepEqual(readHash(hashOf([place])), [place]);
  const several = places.filter(({ where }, i) => i % 4 === 0 || where === '');
  const once = [...new Map(several.map((place) => [place.table, place])).values()];
  assert.deepEqual(readHash(hashOf(once)), once);
  const read = ['', '#', '#orders', '#%', '#where=a', '#table=a&table=a&where=b'].map(readHash);
  assert.deepEqual(read, [
    [],
    [],
    [{ table: 'orders', where: '' }],
    [{ table: '%', where: '' }],
    [],
    [{ table: 'a', where: 'b' }],
  ]);
});

test('a fault is marked at its character, which may be more than one code unit', () => {
  const table = [
    ['abc', 2, ['a', 'b', 'c']],
    ['🫖🫖 x', 4, ['🫖🫖 ', 'x', '']],
    ['ab', 3, ['ab', '', '']],
    ['ab', undefined, ['ab', '', '']],
  ];
  for (const [text, position, expected] of table)
    assert.deepEqual(around(text, position), expected);
});

test('tables outside of public are named with their schema', () => {
  assert.equal(nameOf({ schema: 'public', name: 'orders' }), 'orders');
  assert.equal(nameOf({ schema: 'sales', name: 'orders' }), 'sales.orders');
  assert.equal(nameOf({ schema: 'sales', name: 'sales.orders' }), 'sales.orders');
});

test('the rate is that of the last whole seconds, and an hour of silence empties it', () => {
  const rate = new Rate();
  rate.add(30, 5_000);
  assert.equal(rate.perSecond(5_999), 0);
  assert.equal(rate.perSecond(6_000), 10);
  assert.equal(rate.perSecond(9_000), 0);
  assert.equal(
    rate.history(9_000).reduce((a, b) => a + b),
    30,
  );
  assert.equal(
    rate.history(3_600_000).reduce((a, b) => a + b),
    0,
  );
});

test('rates have three figures', () => {
  assert.deepEqual([0, 0.333, 9.96, 10.4, 999.6, 12_340, 123_400].map(formatRate), [
    '0',
    '0.3',
    '10',
    '10',
    '1.0k',
    '12.3k',
    '123k',
  ]);
});
