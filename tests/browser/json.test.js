import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layOut, Reader } from '../../web/json.js';

const SOURCES = [
  'null',
  'true',
  '-12.50',
  '1e400',
  '9223372036854775807',
  '""',
  '"a\\"b"',
  '"\\\\"',
  '"\\\\\\""',
  '"é\\u00e9 [{,:]}"',
  '[]',
  '{}',
  '[1,[2,{"a":"]"}]]',
  '{"a":{"b":[1,2]},"a":1}',
  '{ "a" : [ 1 , 2 ] }',
];

for (const source of SOURCES) {
  test(`${source} keeps its text`, () => {
    const reader = new Reader(` [ ${source} , 7 ]`);
    const read = [];
    reader.array(() => read.push(reader.raw()));
    assert.deepEqual(read, [source, '7']);
  });
}

for (const source of ['', '[', '{"a"', '"abc', '"abc\\"', '{1:2}', '[1 2]', '{"a":1', '*']) {
  test(`${JSON.stringify(source)} is refused`, () => {
    const read = () => {
      const reader = new Reader(source);
      if (source.startsWith('{')) reader.object(() => reader.raw());
      else if (source.startsWith('[')) reader.array(() => reader.raw());
      else reader.raw();
    };
    assert.throws(read, SyntaxError);
  });
}

test('an object is taken apart in its own order, every name decoded', () => {
  const reader = new Reader('{"b":1,"2":"x","\\u0061\\"":null,"__proto__":{}}');
  const members = [];
  reader.object((name) => members.push([name, reader.raw()]));
  assert.deepEqual(members, [
    ['b', '1'],
    ['2', '"x"'],
    ['a"', 'null'],
    ['__proto__', '{}'],
  ]);
});

test('laid out, every value keeps its digits and equal names stay', () => {
  const text = layOut('{"id":9007199254740993,"n":12.50,"a":[],"o":{"x":1,"x":"2\\n"}}')
    .map((token) => token.text)
    .join('');
  assert.equal(
    text,
    `{
  "id": 9007199254740993,
  "n": 12.50,
  "a": [],
  "o": {
    "x": 1,
    "x": "2\\n"
  }
}`,
  );
});

test('JSON nested a hundred thousand deep is laid out', () => {
  const source = '['.repeat(100_000) + ']'.repeat(100_000);
  const text = layOut(source)
    .map((token) => token.text)
    .join('');
  assert.equal(text.replace(/\s/g, ''), source);
});
