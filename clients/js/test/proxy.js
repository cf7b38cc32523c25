// Stands between client and daemon, and lets through what the test says.

import { createServer, request as send } from 'node:http';
import { connect } from 'node:net';

export class Proxy {
  /** What doesn't get through: transports, by what is done to them. */
  #blocked = new Map();
  #sockets = new Set();
  #target;
  #http = createServer((request, response) => this.#forward(request, response));

  /** @param {string} target the daemon's address */
  static async start(target) {
    const proxy = new Proxy();
    proxy.#target = new URL(target);
    proxy.#http.on('upgrade', (request, socket, head) => proxy.#upgrade(request, socket, head));
    proxy.#http.on('connection', (socket) => {
      proxy.#sockets.add(socket);
      socket.on('close', () => proxy.#sockets.delete(socket));
    });
    await new Promise((resolve) => proxy.#http.listen(0, '127.0.0.1', resolve));
    proxy.url = `http://127.0.0.1:${proxy.#http.address().port}/`;
    return proxy;
  }

  /**
   * From now on, this transport is refused, never answered (`hang`) or held back (`buffer`); what
   * uses it is cut off.
   */
  block(transport, how = 'refuse') {
    this.#blocked.set(transport, how);
    this.cut();
  }

  allow(transport) {
    this.#blocked.delete(transport);
  }

  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop() {
    this.cut();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #options({ method, url, headers }) {
    const { hostname, port } = this.#target;
    return { method, path: url, hostname, port, headers: { ...headers, connection: 'close' } };
  }

  #forward(request, response) {
    const transport = this.#transportOf(request);
    const how = this.#blocked.get(transport);
    if (how === 'hang') return;
    if (how === 'refuse') {
      response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>');
      return;
    }
    const onward = send(this.#options(request), (answer) => {
      if (how !== 'buffer') response.writeHead(answer.statusCode, answer.headers);
      answer.on('data', (part) => {
        if (how !== 'buffer') response.write(part);
      });
      answer.on('end', () => response.end());
      answer.on('error', () => response.destroy());
    });
    onward.on('error', () => response.destroy());
    onward.end();
    response.on('close', () => onward.destroy());
  }

  #transportOf({ headers, url }) {
    if (headers.accept === 'text/event-stream') return 'sse';
    return url.includes('/changes') || url.includes('/rows') ? 'polling' : 'other';
  }

  #upgrade(request, socket, head) {
    const how = this.#blocked.get('websocket');
    if (how === 'hang') return;
    if (how) {
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const onward = connect(this.#target.port, this.#target.hostname, () => {
      const { rawHeaders } = request;
      const lines = [`${request.method} ${request.url} HTTP/1.1`];
      for (let i = 0; i < rawHeaders.length; i += 2)
        lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
      onward.write(`${lines.join('\r\n')}\r\n\r\n`);
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
    socket.on('close', () => onward.destroy());
    onward.on('close', () => socket.destroy());
  }
}
