// Stands in for the daemon where a test needs to say exactly what is sent, and when. One table model
// with a log of batches, spoken over WebSocket, event streams and polls.

import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const COLUMNS = [
  { name: 'id', type: 'bigint' },
  { name: 'status', type: 'text' },
];
const ROWS_A_FRAME = 2;

export class FakeDaemon {
  /** Names the log; another epoch's cursors are refused. */
  epoch = 1;
  /** The claims behind each token; any other is refused. Null: nobody is asked. */
  tokens = null;
  /** Tokens that were shown. */
  shown = [];
  /** Subscriptions and requests, as they came. */
  asked = [];
  /** Answers `subscribe` in place of the feed, if it returns an error's fields. */
  refuse = () => null;
  /** Whether snapshots stop before `synced`, until `release`. */
  holdsSnapshots = false;
  /** How many events a poll's answer has at most. */
  pollLimit = 10_000;
  /** What `GET rows` answers when it is asked for one row. */
  oneRow = (row) => row;
  connections = 0;
  /** Requests that are being held open, and the most there were at once. */
  open = 0;
  mostHeld = 0;
  /** The paths that were asked for. */
  addresses = [];
  /** Table → key → row. */
  tables = { orders: new Map(), items: new Map() };
  /** The names of the key's columns, by table. */
  keys = { orders: ['id'], items: ['id'] };
  /** Batches: lists of events. */
  #log = [];
  #forgotten = 0;
  #seq = 0;
  #feeds = 0;
  /** Live feeds: { table, tell(events), commit() }. */
  #live = new Set();
  #waiting = new Set();
  #held = [];
  #http = createServer((request, response) => void this.#serve(request, response));
  #sockets = new WebSocketServer({
    server: this.#http,
    path: '/v1/ws',
    handleProtocols: (offered) => offered.has('rowcast.v1') && 'rowcast.v1',
  });

  static async start() {
    const daemon = new FakeDaemon();
    daemon.#sockets.on('connection', (socket) => daemon.#accept(socket));
    await daemon.listen(0);
    return daemon;
  }

  async listen(port = this.port) {
    await new Promise((resolve) => this.#http.listen(port, '127.0.0.1', resolve));
    this.port = this.#http.address().port;
    this.url = `http://127.0.0.1:${this.port}/`;
  }

  /** Drops every connection and takes no new ones. */
  async stop() {
    this.cut();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  /** Drops every connection. */
  cut() {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.closeAllConnections();
    this.#live.clear();
  }

  close(code, reason) {
    for (const socket of this.#sockets.clients) socket.close(code, reason);
  }

  get sockets() {
    return this.#sockets.clients;
  }

  get cursor() {
    return `${this.epoch}.${this.#log.length}`;
  }

  /** What `rows` of a mirror must be. */
  rows(table = 'orders') {
    return [...this.tables[table].values()];
  }

  /** Makes all cursors before now too old. */
  forget() {
    this.#forgotten = this.#log.length;
  }

  /** A new life of the database: other rows, the same sequence numbers again. */
  renew(rows) {
    this.epoch += 1;
    this.#log = [];
    this.#forgotten = 0;
    this.#seq = 0;
    this.tables.orders = new Map(rows.map((row) => [String(row.id), row]));
  }

  /** Commits changes and sends them to all feeds. */
  commit(...changes) {
    const events = changes.map((change) => this.#change(change));
    this.#log.push(events);
    for (const feed of this.#live) feed.tell(events.filter(({ table }) => table === feed.table));
    for (const feed of this.#live) feed.commit();
    for (const wake of [...this.#waiting]) wake();
  }

  /** Commits changes, but sends only so many of the events, and cuts the connections. */
  commitAndBreak(count, ...changes) {
    const events = changes.map((change) => this.#change(change));
    this.#log.push(events);
    const part = events.slice(0, count);
    for (const feed of this.#live) feed.tell(part.filter(({ table }) => table === feed.table));
    setTimeout(() => this.cut(), 20);
  }

  /** Sends the newest batch once more. */
  repeat() {
    const events = this.#log.at(-1) ?? [];
    for (const feed of this.#live) feed.tell(events.filter(({ table }) => table === feed.table));
    for (const feed of this.#live) feed.commit();
  }

  reset(reason) {
    for (const feed of this.#live) feed.reset(reason);
  }

  /** Lets snapshots go on. */
  release() {
    this.holdsSnapshots = false;
    for (const go of this.#held.splice(0)) go();
  }

  #change([event, data, more = {}, table = 'orders']) {
    this.#seq += 1;
    const key = data && Object.fromEntries(this.keys[table].map((name) => [name, data[name]]));
    const id = data && String(Object.values(key));
    const rows = this.tables[table];
    if (event === 'truncated') rows.clear();
    else if (event === 'removed') rows.delete(id);
    else rows.set(id, data);
    const told = { event, table, key, data, seq: this.#seq, tx: '7', at: 'now', ...more };
    if (more.oversize) delete told.data;
    return told;
  }

  /** All events of a table after a cursor; null if that can't be told. */
  #since(cursor, table) {
    const [epoch, place] = cursor.split('.').map(Number);
    if (epoch !== this.epoch || place < this.#forgotten) return null;
    return this.#log
      .slice(place)
      .flat()
      .filter((event) => event.table === table);
  }

  #claims(token) {
    if (token !== undefined) this.shown.push(token);
    return this.tokens === null ? {} : this.tokens[token];
  }

  // WebSocket

  #accept(socket) {
    this.connections += 1;
    const send = (frame) => socket.send(JSON.stringify(frame));
    socket.feeds = new Map();
    if (this.tokens === null) send({ op: 'hello', protocol: 'rowcast.v1', identity: {} });
    socket.on('message', (text) => void this.#receive(socket, send, JSON.parse(String(text))));
    socket.on('close', () => {
      for (const feed of socket.feeds.values()) this.#live.delete(feed);
    });
  }

  async #receive(socket, send, message) {
    if (message.op === 'ping') send({ op: 'pong', nonce: message.nonce });
    if (message.op === 'auth') {
      const identity = this.#claims(message.token);
      if (identity) send({ op: 'hello', protocol: 'rowcast.v1', identity });
      else socket.close(4401, 'bad token');
    }
    if (message.op === 'unsubscribe') {
      this.#live.delete(socket.feeds.get(message.id));
      socket.feeds.delete(message.id);
    }
    if (message.op === 'subscribe') await this.#subscribe(socket, send, message);
  }

  async #subscribe(socket, send, message) {
    this.asked.push(message);
    const { id, table, snapshot, cursor } = message;
    const refusal = this.refuse(message);
    if (refusal) return send({ op: 'error', id, ...refusal });
    this.#feeds += 1;
    const number = this.#feeds;
    const sendRows = () =>
      this.#sendRows(table, {
        rows: (rows) => send({ op: 'rows', feed: number, rows }),
        synced: (at) => send({ op: 'synced', feed: number, cursor: at }),
      });
    const feed = {
      table,
      tell: (events) => events.length && send({ op: 'events', feed: number, events }),
      commit: () => send({ op: 'commit', cursor: this.cursor }),
      reset: async (reason) => {
        this.#live.delete(feed);
        send({ op: 'reset', feed: number, reason });
        if (snapshot) await sendRows();
        this.#live.add(feed);
        send({ op: 'commit', cursor: this.cursor });
      },
    };
    socket.feeds.set(id, feed);
    const key = this.keys[table];
    send({
      op: 'subscribed',
      id,
      feed: number,
      table,
      key,
      columns: COLUMNS,
      cursor: cursor ?? this.cursor,
    });
    const missed = cursor ? this.#since(cursor, table) : [];
    if (missed === null) return feed.reset('cursor_expired');
    if (!cursor && snapshot) await sendRows();
    else feed.tell(missed);
    this.#live.add(feed);
    return send({ op: 'commit', cursor: this.cursor });
  }

  /** Sends the rows as they are now; what is committed while it is held comes as events after. */
  async #sendRows(table, { rows, synced }) {
    const all = this.rows(table);
    const at = this.cursor;
    for (let i = 0; i < all.length; i += ROWS_A_FRAME) rows(all.slice(i, i + ROWS_A_FRAME));
    if (this.holdsSnapshots) await new Promise((resolve) => this.#held.push(resolve));
    synced(at);
    return at;
  }

  // HTTP

  async #serve(request, response) {
    const url = new URL(request.url, this.url);
    this.addresses.push(request.url);
    const token = request.headers.authorization?.replace('Bearer ', '');
    if (!this.#claims(token)) return this.#problem(response, 401, 'unauthenticated');
    const [, table, what] = /^\/v1\/tables\/([^/]+)\/(\w+)$/.exec(url.pathname) ?? [];
    if (url.pathname === '/v1/tables') {
      const tables = Object.entries(this.keys).map(([name, key]) => ({
        name,
        schema: 'public',
        key,
        columns: COLUMNS,
      }));
      return this.#answer(response, { tables });
    }
    const query = Object.fromEntries(url.searchParams);
    this.asked.push({ what, table, ...query });
    const refusal = this.refuse({ table, ...query });
    if (refusal) return this.#problem(response, refusal.status, refusal.code, refusal);
    if (what === 'rows') return this.#rows(response, table, query);
    if (request.headers.accept === 'text/event-stream') return this.#stream(response, table, query);
    return this.#poll(response, table, query);
  }

  #rows(response, table, { where, params }) {
    let rows = this.rows(table);
    if (where) {
      const id = JSON.parse(params).at(-1);
      rows = rows.filter((row) => row.id === id).map(this.oneRow);
    }
    return this.#answer(response, { rows, cursor: this.cursor });
  }

  async #stream(response, table, { cursor, snapshot }) {
    this.connections += 1;
    this.#hold(response);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('retry: 2000\n\n');
    const write = (event, data, id) =>
      response.write(
        `event: ${event}\n${id ? `id: ${id}\n` : ''}data: ${JSON.stringify(data)}\n\n`,
      );
    const sendRows = () =>
      this.#sendRows(table, {
        rows: (rows) => write('snapshot', { rows }),
        synced: (at) => write('synced', { key: this.keys[table], cursor: at }, at),
      });
    let waiting = null;
    const feed = {
      table,
      tell: (events) => {
        waiting = events.pop();
        for (const event of events) write(event.event, event);
      },
      commit: () => {
        if (waiting) write(waiting.event, waiting, this.cursor);
        waiting = null;
      },
      reset: async (reason) => {
        this.#live.delete(feed);
        write('reset', { reason });
        const at = snapshot ? await sendRows() : null;
        this.#catchUp(feed, at ?? this.cursor);
      },
    };
    response.on('close', () => this.#live.delete(feed));
    if (cursor && this.#since(cursor, table) === null) return feed.reset('cursor_expired');
    const from = cursor ?? (snapshot ? await sendRows() : this.cursor);
    return this.#catchUp(feed, from);
  }

  #catchUp(feed, from) {
    const missed = this.#since(from, feed.table);
    if (missed.length > 0) {
      feed.tell(missed);
      feed.commit();
    }
    this.#live.add(feed);
  }

  async #poll(response, table, { cursor, wait = 0 }) {
    if (cursor === undefined) return this.#answer(response, { events: [], cursor: this.cursor });
    if (this.#since(cursor, table) === null) return this.#problem(response, 410, 'cursor_expired');
    if (this.#since(cursor, table).length === 0 && wait > 0) {
      this.#hold(response);
      await this.#news(wait * 1000, response);
    }
    const [place, skipped = 0] = cursor.split('+');
    const events = this.#since(place, table).slice(Number(skipped));
    if (events.length <= this.pollLimit) {
      return this.#answer(response, { events, cursor: this.cursor });
    }
    const part = `${place}+${Number(skipped) + this.pollLimit}`;
    return this.#answer(response, {
      events: events.slice(0, this.pollLimit),
      cursor: part,
      more: true,
    });
  }

  #hold(response) {
    this.open += 1;
    this.mostHeld = Math.max(this.mostHeld, this.open);
    response.on('error', () => {}); // written to after the client left
    response.on('close', () => {
      this.open -= 1;
    });
  }

  #news(ms, response) {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
      response.on('close', done);
    });
  }

  #problem(response, status, code, more = {}) {
    response.writeHead(status, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ type: 'about:blank', title: code, ...more, status, code }));
  }

  #answer(response, answer) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
  }
}
