import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { delayMs } from '../../web/backoff.js';
import { Feed } from '../../web/feed.js';

/** A socket whose other end is the test. */
class Socket {
  static all = [];
  static get last() {
    return Socket.all.at(-1);
  }

  sent = [];

  constructor(url, protocol) {
    this.url = url;
    this.protocol = protocol;
    Socket.all.push(this);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {}

  say(frame) {
    this.onmessage({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
  }

  end(code, reason = '') {
    this.onclose({ code, reason });
  }
}

const HELLO = { op: 'hello', protocol: 'rowcast.v1', identity: { sub: '42' } };
const subscribed = (id, feed) => ({
  op: 'subscribed',
  id,
  feed,
  table: 't',
  key: ['id'],
  columns: [],
  cursor: 'c',
});

/** A connected feed, with time standing still. */
function connect(t) {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  t.after(() => mock.timers.reset());
  Socket.all = [];
  const heard = { states: [], messages: [] };
  const feed = new Feed({
    url: 'ws://x/v1/ws',
    WebSocket: Socket,
    random: () => 1,
    onConnection: (state) => heard.states.push(state),
    onMessage: (message) => heard.messages.push(message),
  });
  feed.connect();
  return { feed, heard, phase: () => heard.states.at(-1).phase };
}

test('connects with the subprotocol and subscribes after hello', (t) => {
  const { feed, phase } = connect(t);
  feed.subscribe('a', { table: 'orders' });
  assert.equal(Socket.last.protocol, 'rowcast.v1');
  assert.deepEqual([phase(), Socket.last.sent], ['connecting', []]);
  Socket.last.say(HELLO);
  assert.deepEqual(
    [phase(), Socket.last.sent],
    ['live', [{ op: 'subscribe', id: 'a', table: 'orders' }]],
  );
});

test('events carry the ids of the subscriptions that share the feed', (t) => {
  const { feed, heard } = connect(t);
  feed.subscribe('a', { table: 't' });
  feed.subscribe('b', { table: 't' });
  [HELLO, subscribed('a', 7), subscribed('b', 7)].forEach((frame) => Socket.last.say(frame));
  Socket.last.say({ op: 'events', feed: 7, events: [] });
  Socket.last.say({ op: 'events', feed: 8, events: [] });
  Socket.last.say({ op: 'commit', cursor: 'c' });
  assert.deepEqual(
    heard.messages.slice(2).map(({ op, id }) => [op, id]),
    [
      ['events', 'a'],
      ['events', 'b'],
      ['commit', undefined],
    ],
  );
});

test('an ended subscription hears nothing more', (t) => {
  const { feed, heard } = connect(t);
  feed.subscribe('a', { table: 't' });
  [HELLO, subscribed('a', 7)].forEach((frame) => Socket.last.say(frame));
  feed.unsubscribe('a');
  Socket.last.say({ op: 'events', feed: 7, events: [] });
  assert.deepEqual(Socket.last.sent.at(-1), { op: 'unsubscribe', id: 'a' });
  assert.deepEqual(
    heard.messages.map(({ op }) => op),
    ['subscribed'],
  );
});

test('a subscription ended before it was confirmed is not listened to', (t) => {
  const { feed, heard } = connect(t);
  feed.subscribe('a', { table: 't' });
  Socket.last.say(HELLO);
  feed.unsubscribe('a');
  Socket.last.say(subscribed('a', 7));
  Socket.last.say({ op: 'events', feed: 7, events: [] });
  assert.deepEqual(heard.messages, []);
});

test('a lost connection comes back and subscribes again', (t) => {
  const { feed, heard, phase } = connect(t);
  feed.subscribe('a', { table: 't' });
  Socket.last.say(HELLO);
  Socket.last.end(1006);
  assert.equal(phase(), 'waiting');
  assert.deepEqual(
    heard.messages.map(({ op }) => op),
    ['lost'],
  );
  mock.timers.tick(500);
  assert.equal(Socket.all.length, 2);
  Socket.last.say(HELLO);
  assert.deepEqual(Socket.last.sent, [{ op: 'subscribe', id: 'a', table: 't' }]);
});

test('attempts get rarer, up to half a minute', (t) => {
  const { heard } = connect(t);
  const waits = [];
  for (let i = 0; i < 9; i += 1) {
    Socket.last.end(1006);
    waits.push(heard.states.at(-1).until - Date.now());
    mock.timers.tick(waits.at(-1));
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
});

test('a server that greets and closes at once is not asked ever faster', (t) => {
  const { heard } = connect(t);
  Socket.last.say(HELLO);
  Socket.last.end(1011);
  mock.timers.tick(500);
  Socket.last.say(HELLO);
  Socket.last.end(1011);
  assert.equal(heard.states.at(-1).until - Date.now(), 1000);
});

for (const code of [1008, 4401, 4403, 4408]) {
  test(`${code} ends it for good, with the server's reason`, (t) => {
    const { heard } = connect(t);
    Socket.last.end(code, 'because');
    mock.timers.tick(120_000);
    assert.deepEqual(heard.states.at(-1), { phase: 'closed', code, reason: 'because' });
    assert.equal(Socket.all.length, 1);
  });
}

test('a silent server is given up', (t) => {
  const { phase } = connect(t);
  Socket.last.say(HELLO);
  mock.timers.tick(39_000);
  Socket.last.say({ op: 'commit', cursor: 'c' });
  mock.timers.tick(39_000);
  assert.equal(phase(), 'live');
  mock.timers.tick(1_000);
  assert.equal(phase(), 'waiting');
});

test('a frame that is no JSON ends the connection, and it comes back', (t) => {
  const { phase } = connect(t);
  Socket.last.say(HELLO);
  Socket.last.say('{"op":');
  assert.equal(phase(), 'waiting');
});

test('what a later version adds is passed over', (t) => {
  const { phase, heard } = connect(t);
  Socket.last.say(HELLO);
  Socket.last.say({ op: 'weather', feed: 1 });
  assert.deepEqual([phase(), heard.messages], ['live', []]);
});

test('a restarting server is given a random delay, a limit a longer one', () => {
  assert.deepEqual([delayMs(1, 1012, () => 0), delayMs(1, 1012, () => 1)], [250, 4500]);
  assert.equal(
    delayMs(1, 4409, () => 0),
    10_000,
  );
});
