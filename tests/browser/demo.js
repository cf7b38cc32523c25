// Starts `rowcast demo` for a test: a shop that never stops changing.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
/** Built by `cargo build` or `cargo test`. */
export const PROGRAM =
  process.env.ROWCAST_BIN ||
  resolve(REPOSITORY, process.env.CARGO_TARGET_DIR || 'target', 'debug/rowcast');

/**
 * @param {number} rate changes a second
 * @returns {Promise<Demo>}
 */
export async function startDemo(rate) {
  const child = spawn(PROGRAM, ['demo', '--listen', '127.0.0.1:0', '--rate', String(rate)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  for await (const line of createInterface(child.stdout)) {
    said += `${line}\n`;
    if (/ends it/.test(line)) return new Demo(child, said);
  }
  throw new Error('the demo ended before it said where it serves');
}

class Demo {
  url;
  #child;

  /** The shop's database. */
  databaseUrl;

  constructor(child, said) {
    this.#child = child;
    [this.url] = /http:\/\/[\d.]+:\d+\//.exec(said);
    [, this.databaseUrl] = /psql '([^']+)'/.exec(said);
    child.stdout.resume();
  }

  /** The demo's identities: name → token. */
  async tokens() {
    const identities = await (await fetch(`${this.url}demo/identities`)).json();
    return new Map(identities.map(({ name, token }) => [name, token]));
  }

  /** A connection to the shop's database, to be ended. */
  async database() {
    const client = new pg.Client({ connectionString: this.databaseUrl });
    await client.connect();
    return client;
  }

  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
  }
}
