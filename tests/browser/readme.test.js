// The examples of the README, exactly as they are printed: those whose fence says `test=<name>`.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.js';
import { startDemo } from './demo.js';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const PYTHON = 'target/python/bin/python';
const DEADLINE_MS = 30_000;

let browser;
let demo;
let database;
let examples;
/** What the examples are told. */
let given;
/** Programs that haven't ended. */
const running = new Set();

before(
  async () => {
    const readme = await readFile(`${REPOSITORY}README.md`, 'utf8');
    const blocks = readme.matchAll(/^```\w+ test=(\S+)\n([\s\S]*?)^```$/gm);
    examples = new Map([...blocks].map(([, name, text]) => [name, text]));
    demo = await startDemo(0);
    database = await demo.database();
    const token = (await demo.tokens()).get('Mary Seacole');
    given = { url: demo.url.replace(/\/$/, ''), token };
    browser = await launch();
  },
  { timeout: 60_000 },
);

beforeEach(async () => {
  await database.query('delete from orders');
  for (const status of ['open', 'open', 'paid']) await place(status, 60);
});

after(async () => {
  for (const child of running) child.kill('SIGKILL');
  await browser?.close();
  await database?.end();
  await demo?.stop();
});

const place = (status, total) =>
  database.query(
    'insert into orders (customer_id, status, total, margin) values (1, $1, $2, 1) returning id',
    [status, total],
  );

/** Runs a program, whose output so far is `output`. */
function run(program, args) {
  const child = spawn(program, args, {
    cwd: REPOSITORY,
    env: { ...process.env, ...given },
    stdio: 'pipe',
  });
  const started = { child, output: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      started.output += text;
    });
  }
  running.add(child);
  child.on('exit', () => running.delete(child));
  return started;
}

/** Waits until the output matches. */
async function says(started, pattern) {
  const end = performance.now() + DEADLINE_MS;
  while (!pattern.test(started.output)) {
    const isOver = performance.now() > end || started.child.exitCode !== null;
    if (isOver && !pattern.test(started.output)) {
      assert.fail(`${pattern} was never said, but:\n${started.output}`);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

const shell = (name) => run('bash', ['-euc', example(name)]);

function example(name) {
  const text = examples.get(name);
  assert.ok(text, `the README has no example ${name}`);
  return text;
}

async function ends({ child }) {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  assert.equal(child.exitCode, 0);
}

async function stop({ child }) {
  child.kill('SIGTERM');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

test('the README has each of these examples, and no other', () => {
  const names = ['dashboard', 'curl', 'curl-stream', 'eventsource', 'wscat', 'python'];
  assert.deepEqual([...examples.keys()], names);
  const [, script] = /<script type="module">\n([\s\S]*)<\/script>/.exec(example('dashboard'));
  assert.ok(script.trimEnd().split('\n').length <= 10, 'ten lines of JavaScript');
});

test('the dashboard', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const answer = (path, body, contentType) =>
    page.route(`**${path}`, (route) => route.fulfill({ body, contentType }));
  await answer('/dashboard', example('dashboard'), 'text/html; charset=utf-8');
  await answer('/token', given.token, 'text/plain');
  await page.goto(`${demo.url}dashboard`);
  const shows = (text) => page.locator('h1', { hasText: text }).waitFor();
  await shows('2 open orders, worth 120.00');
  await place('open', 0.5);
  await shows('3 open orders, worth 120.50');
  await database.query("update orders set status = 'paid' where total = 60");
  await shows('1 open orders, worth 0.50');
  assert.equal(await page.evaluate(() => document.body.className), 'live');
  await context.close();
});

test('curl: rows, and a poll that waits', async () => {
  const curl = shell('curl');
  await says(curl, /"rows":\[\{[\s\S]*"status":"open"[\s\S]*\]/);
  assert.equal(curl.output.match(/"status":"open"/g).length, 2);
  assert.doesNotMatch(curl.output, /"status":"paid"/);
  const until = setInterval(() => place('shipped', 7), 200);
  try {
    await says(curl, /"events":\[\{"event":"created"[\s\S]*"status":"shipped"/);
  } finally {
    clearInterval(until);
  }
  await ends(curl);
});

test('curl: a stream', async () => {
  const curl = shell('curl-stream');
  await says(curl, /event: snapshot\ndata: \{"rows":[\s\S]*event: synced\nid: /);
  await place('open', 9);
  await says(curl, /event: created\nid: \S+\ndata: /);
  await stop(curl);
});

test('EventSource', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const lines = [];
  page.on('console', (message) => lines.push(message.text()));
  const said = async (pattern) => {
    while (!lines.some((line) => pattern.test(line))) await page.waitForEvent('console');
  };
  await page.goto(demo.url);
  const [url, token] = [given.url, given.token].map((value) => JSON.stringify(value));
  await page.evaluate(`{ const url = ${url}, token = ${token}; ${example('eventsource')} }`);
  await said(/^rows 2$/);
  await place('open', 9);
  await said(/^created /);
  await database.query("update orders set status = 'paid' where total = 9");
  await said(/^removed /);
  await context.close();
});

test('wscat', async () => {
  const wscat = shell('wscat');
  for (const op of ['hello', 'subscribed', 'rows', 'synced', 'commit']) {
    await says(wscat, new RegExp(`"op":"${op}"`));
  }
  await place('open', 99);
  await says(wscat, /"op":"events".*"event":"created"/);
  await ends(wscat);
});

test('Python', async () => {
  const python = run(PYTHON, ['-c', example('python')]);
  await says(python, /^2 open orders, worth 120\.00$/m);
  await place('open', 0.5);
  await says(python, /^3 open orders, worth 120\.50$/m);
  await database.query("update orders set status = 'paid' where total = 60");
  await says(python, /^1 open orders, worth 0\.50$/m);
  await database.query('truncate orders cascade');
  await says(python, /^0 open orders, worth 0$/m);
  await stop(python);
});
