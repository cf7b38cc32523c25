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
  readyState = 0;

  constructor(url, protocol) {
    this.url = url;
    this.protocol = protocol;
    Socket.all.push(this);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {}

  open() {
    this.readyState = 1;
    this.onopen();
  }

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
function connect(t, token = () => null) {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  t.after(() => mock.timers.reset());
  Socket.all = [];
  const heard = { states: [], messages: [] };
  const feed = new Feed({
    url: 'ws://x/v1/ws',
    token,
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

const ANONYMOUS = { ...HELLO, identity: {} };
const ops = () => Socket.last.sent.map(({ op }) => op);

test('with a token, nothing is asked for as anybody else', (t) => {
  const { feed, heard } = connect(t, () => 'abc');
  feed.subscribe('a', { table: 'orders' });
  Socket.last.open();
  assert.deepEqual(Socket.last.sent, [{ op: 'auth', token: 'abc' }]);
  Socket.last.say(ANONYMOUS);
  assert.deepEqual(ops(), ['auth']);
  Socket.last.say(HELLO);
  assert.deepEqual(ops(), ['auth', 'subscribe']);
  assert.deepEqual(heard.states.at(-1), { phase: 'live', identity: { sub: '42' } });
});

test('a token without claims is served, too', (t) => {
  const { feed, phase } = connect(t, () => 'abc');
  feed.subscribe('a', { table: 'orders' });
  Socket.last.open();
  Socket.last.say(ANONYMOUS);
  assert.equal(phase(), 'connecting');
  mock.timers.tick(2_000);
  assert.deepEqual([phase(), ops()], ['live', ['auth', 'subscribe']]);
});

test('a renewed token is shown on the running connection, and nothing is asked for again', (t) => {
  let token = 'old';
  const { feed, phase } = connect(t, () => token);
  feed.subscribe('a', { table: 'orders' });
  Socket.last.open();
  Socket.last.say(HELLO);
  token = 'new';
  feed.showToken();
  Socket.last.say(HELLO);
  assert.deepEqual(Socket.last.sent.at(-1), { op: 'auth', token: 'new' });
  assert.deepEqual([phase(), ops()], ['live', ['auth', 'subscribe', 'auth']]);
});

test('what the server said of a refused token is the reason of the close', (t) => {
  const { heard } = connect(t, () => 'abc');
  Socket.last.open();
  Socket.last.say({ op: 'error', code: 'unauthenticated', detail: 'the token has expired' });
  Socket.last.end(4401);
  const closed = { phase: 'closed', code: 4401, reason: 'the token has expired' };
  assert.deepEqual(heard.states.at(-1), closed);
  assert.deepEqual(heard.messages, [{ op: 'lost' }]);
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
