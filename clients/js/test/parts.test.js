// The parts that need no server.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { delayMs } from '../src/client/backoff.js';
import { RowcastError, errorOfClose } from '../src/client/errors.js';
import { blocks } from '../src/client/event-stream.js';
import { parse, stringify } from '../src/client/json.js';
import { keyOf, keyOfGiven } from '../src/client/key.js';
import { isSame } from '../src/client/same.js';

for (const [text, number, string, bigint] of [
  ['9007199254740991', 9007199254740991, 9007199254740991, 9007199254740991],
  ['9007199254740993', 9007199254740992, '9007199254740993', 9007199254740993n],
  ['-9223372036854775808', -9223372036854775808, '-9223372036854775808', -9223372036854775808n],
  ['12.50', 12.5, 12.5, 12.5],
  ['0.1234567890123456', 0.1234567890123456, 0.1234567890123456, 0.1234567890123456],
  [
    '0.12345678901234567890',
    0.12345678901234568,
    '0.12345678901234567890',
    '0.12345678901234567890',
  ],
  ['1e+20', 1e20, 1e20, 1e20],
  ['1e400', Infinity, '1e400', '1e400'],
  ['123456789012345678.5', 123456789012345680, '123456789012345678.5', '123456789012345678.5'],
  ['"9007199254740993"', '9007199254740993', '9007199254740993', '9007199254740993'],
  ['"a\\"9007199254740993"', 'a"9007199254740993', 'a"9007199254740993', 'a"9007199254740993'],
]) {
  test(`${text} is read`, () => {
    const read = (mode) => parse(`{"a":[${text},7,"x"],"b":null}`, mode);
    for (const [mode, value] of Object.entries({ number, string, bigint })) {
      assert.deepEqual(read(mode), { a: [value, 7, 'x'], b: null }, mode);
    }
  });
}

test('every double comes back as it was', () => {
  const view = new DataView(new ArrayBuffer(8));
  for (let i = 0; i < 20_000; i += 1) {
    view.setUint32(0, Math.random() * 2 ** 32);
    view.setUint32(4, Math.random() * 2 ** 32);
    const value = view.getFloat64(0);
    if (!Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) < 1e21)) continue;
    assert.deepEqual(parse(`[${value}]`, 'string'), [value]);
  }
});

test('BigInts are written with all their digits', () => {
  const value = { a: [9223372036854775807n, '9223372036854775807', 1.5], b: -1n };
  const text = '{"a":[9223372036854775807,"9223372036854775807",1.5],"b":-1}';
  assert.equal(stringify(value), text);
  assert.deepEqual(parse(text, 'bigint').a[0], 9223372036854775807n);
});

test('keys name rows', () => {
  assert.equal(keyOf(['id'], { id: 7, a: 1 }, 'number'), 7);
  assert.equal(keyOf(['b', 'a'], { a: 1, b: 'x' }, 'string'), '["x",1]');
  assert.equal(
    keyOf(['a', 'b'], { a: 9007199254740993n, b: null }, 'bigint'),
    '[9007199254740993,null]',
  );
  assert.equal(keyOf(['a'], { a: [1] }, 'string'), '[[1]]');
  assert.equal(keyOfGiven(['b', 'a'], ['x', 1]), '["x",1]');
  assert.equal(keyOfGiven(['b', 'a'], { a: 1, b: 'x' }), '["x",1]');
  assert.equal(keyOfGiven(['id'], { id: 7 }), 7);
  const rounded = () => keyOf(['id'], { id: Number('9007199254740993') }, 'number');
  assert.throws(rounded, { code: 'inexact_key' });
});

test('values are compared', () => {
  const value = { a: [1, { b: null }], c: 'x' };
  assert.ok(isSame(value, structuredClone(value)));
  for (const other of [{ a: [1, { b: 0 }], c: 'x' }, { a: [1, { b: null }] }, null, [], 'x']) {
    assert.ok(!isSame(value, other));
  }
  assert.ok(!isSame([], {}));
});

test('waits double, with jitter, within bounds', () => {
  const network = errorOfClose(1006);
  const at = (failures, random, error = network) =>
    delayMs(failures, error, { firstMs: 500, mostMs: 30_000, random: () => random });
  assert.deepEqual([at(0, 0), at(0, 1)], [0, 500]);
  assert.deepEqual([at(1, 0), at(1, 1), at(3, 0), at(3, 1)], [250, 500, 1000, 2000]);
  assert.deepEqual([at(99, 0), at(99, 1)], [15_000, 30_000]);
  assert.deepEqual([at(0, 0, errorOfClose(1012)), at(0, 1, errorOfClose(1012))], [0, 4_500]);
  assert.ok(at(1, 0, errorOfClose(4409)) >= 10_000);
  const asked = new RowcastError({ code: 'unavailable', retryAfterMs: 7_000 });
  assert.deepEqual([at(0, 0, asked), at(0, 1, asked)], [7_000, 8_750]);
});

test('event streams are read however they are cut', async () => {
  const text =
    'retry: 2000\n\n: comment\nevent: created\ndata: {"a":\ndata: 1}\n\nevent:cursor\r\nid: c1\r\ndata:{}\r\n\r\nevent: lost';
  for (const size of [1, 2, 7, text.length]) {
    const found = [];
    const parts = async function* () {
      for (let i = 0; i < text.length; i += size) yield text.slice(i, i + size);
    };
    for await (const block of blocks(parts())) if (block) found.push(block);
    assert.deepEqual(found, [
      { event: 'created', id: null, data: '{"a":\n1}' },
      { event: 'cursor', id: 'c1', data: '{}' },
    ]);
  }
});
