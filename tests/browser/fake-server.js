// Stands in for the daemon where a test needs to say exactly what is sent, and when: bursts, close
// codes, resets, batches that break off. Serves the page's own files under the policy that the
// daemon sets.

import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';

/** The page's files, and the client's. */
const FOLDERS = ['../../web/', '../../clients/js/src/'].map((folder) =>
  fileURLToPath(new URL(folder, import.meta.url)),
);
const POLICY = [
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:",
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
].join('; ');
const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
};

export const ORDERS = {
  name: 'orders',
  schema: 'public',
  key: ['id'],
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'customer', type: 'text' },
    { name: 'status', type: 'text' },
    { name: 'total', type: 'numeric(12,2)' },
    { name: 'note', type: 'text' },
    { name: 'extra', type: 'jsonb' },
  ],
};

export const VISITS = {
  name: 'visits',
  schema: 'public',
  key: [],
  columns: [
    { name: 'page', type: 'text' },
    { name: 'seconds', type: 'real' },
  ],
};

/** A daemon whose every word is the test's. */
export class FakeServer {
  tables = [ORDERS, VISITS];
  /** Which of them a reader sees, by the claims. */
  tablesFor = () => this.tables;
  /**
   * What `/v1/tables` answers instead of the tables.
   * @type {{ status: number, code: string, detail: string } | null}
   */
  problem = null;
  /** Whether those may read who show no token. */
  anonymous = true;
  /** The claims behind each token that is taken. @type {Map<string, object>} */
  tokens = new Map();
  /** Makes this a demo: what each asking for its identities is answered. @type {() => object[]} */
  identities = null;
  /** The messages that came, over all connections. */
  received = [];
  /** The paths that were asked for. */
  requested = [];
  /** Subscriptions asked for so far, over all connections. */
  subscriptions = [];
  /** What a snapshot of each table is. @type {Record<string, object[]>} */
  rows = {};
  /** Answers a subscription, in place of `subscribed`, if it returns a frame. */
  refuse = () => null;
  /** Whether rows aren't sent by themselves. */
  isSlow = false;
  connections = 0;
  #asked = new EventEmitter();
  #feeds = 0;
  #seq = 0;
  #cursors = 0;
  /** The tables by feed. @type {Map<number, string>} */
  #tables = new Map();
  #http = createServer((request, response) => this.#serve(request, response));
  #sockets = new WebSocketServer({
    server: this.#http,
    path: '/v1/ws',
    handleProtocols: (offered) => offered.has('rowcast.v1') && 'rowcast.v1',
  });

  static async start() {
    const server = new FakeServer();
    server.#sockets.on('connection', (socket) => server.#accept(socket));
    await server.listen(0);
    return server;
  }

  /** Listens; on the port that it had, if it was stopped. */
  async listen(port = this.port) {
    await new Promise((resolve) => this.#http.listen(port, '127.0.0.1', resolve));
    this.port = this.#http.address().port;
    this.url = `http://127.0.0.1:${this.port}/`;
  }

  /** Drops every connection and takes no new ones. */
  async stop() {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  /** The connections that are open. */
  get sockets() {
    return this.#sockets.clients;
  }

  /** Waits until there have been this many subscriptions. */
  async subscribed(count) {
    while (this.subscriptions.length < count) await once(this.#asked, 'subscribe');
  }

  /** Sends a frame, an object or the text itself, on every connection. */
  send(frame) {
    const text = typeof frame === 'string' ? frame : JSON.stringify(frame);
    for (const socket of this.#sockets.clients) socket.send(text);
  }

  #cursor() {
    this.#cursors += 1;
    return `cursor-${this.#cursors}`;
  }

  /** Sends events on the newest subscription's feed, without a commit. */
  events(...events) {
    this.send({ op: 'events', feed: this.#feeds, events });
  }

  commit() {
    this.send({ op: 'commit', cursor: this.#cursor() });
  }

  /** Sends events and completes them. */
  batch(...events) {
    this.events(...events);
    this.commit();
  }

  /** Begins the newest subscription anew, with the rows as they are now. */
  reset(reason) {
    this.send({ op: 'reset', feed: this.#feeds, reason });
    this.snapshot();
  }

  /** Sends the rows of the newest subscription's table. */
  snapshot() {
    const rows = this.rows[this.#tables.get(this.#feeds)] ?? [];
    this.send({ op: 'rows', feed: this.#feeds, rows });
    this.send({ op: 'synced', feed: this.#feeds, cursor: this.#cursor() });
    this.commit();
  }

  close(code, reason) {
    for (const socket of this.#sockets.clients) socket.close(code, reason);
  }

  /** An event about an order. */
  order(event, data, more = {}) {
    this.#seq += 1;
    const at = new Date().toISOString().replace('Z', '123Z');
    return {
      event,
      table: 'orders',
      key: { id: data.id },
      data,
      ...more,
      seq: this.#seq,
      tx: String(700 + this.#seq),
      at,
    };
  }

  #accept(socket) {
    this.connections += 1;
    if (this.anonymous) this.#greet(socket, {});
    socket.on('message', (text) => this.#receive(socket, JSON.parse(String(text))));
  }

  #greet(socket, identity) {
    socket.claims = identity;
    socket.send(JSON.stringify({ op: 'hello', protocol: 'rowcast.v1', identity }));
  }

  #authenticate(socket, token) {
    const claims = this.tokens.get(token);
    if (claims) this.#greet(socket, claims);
    else socket.close(4401, 'the token is not one of ours');
  }

  #receive(socket, message) {
    this.received.push(message);
    if (message.op === 'auth') this.#authenticate(socket, message.token);
    if (message.op !== 'subscribe') return;
    const refusal = this.refuse(message);
    if (refusal) {
      socket.send(JSON.stringify({ op: 'error', id: message.id, ...refusal }));
      return;
    }
    const table = this.tablesFor(socket.claims).find(({ name }) => name === message.table);
    this.#feeds += 1;
    socket.send(
      JSON.stringify({
        op: 'subscribed',
        id: message.id,
        feed: this.#feeds,
        table: table.name,
        key: table.key,
        columns: table.columns,
        cursor: this.#cursor(),
      }),
    );
    this.#tables.set(this.#feeds, table.name);
    if (message.snapshot && !message.cursor && !this.isSlow) this.snapshot();
    this.subscriptions.push(message);
    this.#asked.emit('subscribe');
  }

  async #serve(request, response) {
    const path = normalize(new URL(request.url, 'http://localhost').pathname);
    this.requested.push(request.url);
    if (path === '/v1/tables') return this.#serveTables(request, response);
    if (path === '/demo/identities') return this.#answer(response, 200, this.identities?.() ?? []);
    if (path === '/demo.js' && this.identities) {
      response.writeHead(200, { 'content-type': TYPES['.js'] });
      response.end('export const isDemo = true;');
      return undefined;
    }
    for (const folder of FOLDERS) {
      const file = join(folder, path === '/' ? 'index.html' : path);
      const body = await readFile(file).catch(() => null);
      if (body === null) continue;
      response.writeHead(200, {
        'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
        'content-security-policy': POLICY,
      });
      response.end(body);
      return undefined;
    }
    response.writeHead(404).end();
    return undefined;
  }

  #serveTables(request, response) {
    const token = request.headers.authorization?.replace(/^Bearer /, '');
    const claims = token === undefined ? this.anonymous && {} : this.tokens.get(token);
    const refused = { status: 401, code: 'unauthenticated', detail: 'a credential is needed' };
    const problem = this.problem ?? (claims ? null : refused);
    const answer = problem ?? { tables: this.tablesFor(claims) };
    return this.#answer(response, problem?.status ?? 200, answer);
  }

  #answer(response, status, answer) {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
  }
}
