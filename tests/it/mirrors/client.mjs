// A process that mirrors tables with the client for JavaScript, and compares when it is told what must be there.
//
// The first line that it reads says what to mirror; each other one has the rows that must be there now, as JSON text,
// and is answered. Whatever must never be is told at once.

import { createHmac } from 'node:crypto';
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const told = JSON.parse((await lines.next()).value);
const { connect } = await import(`${told.client}/client.js`);
const { parse } = await import(`${told.client}/client/json.js`);
const { isSame } = await import(`${told.client}/client/same.js`);
const { keyOf } = await import(`${told.client}/client/key.js`);

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
process.on('uncaughtException', (error) => say({ fault: `${error.stack}` }));
process.on('unhandledRejection', (error) => say({ fault: `${error?.stack ?? error}` }));

const encoded = (value) => Buffer.from(value).toString('base64url');

function token() {
  if (!told.claims) return null;
  const claims = { ...told.claims };
  if (told.tokenSecs) claims.exp = Math.floor(Date.now() / 1000) + told.tokenSecs;
  const signed = `${encoded('{"alg":"HS256","typ":"JWT"}')}.${encoded(JSON.stringify(claims))}`;
  return `${signed}.${createHmac('sha256', told.secret).update(signed).digest('base64url')}`;
}

const client = connect({
  url: told.url,
  token: told.claims ? token : undefined,
  transports: told.transports,
  timing: { retryFirstMs: 20, retryMostMs: 500, betterFirstMs: 1_000, betterMostMs: 3_000, pollMs: 4_000 },
});

const trail = [];
function note(what) {
  trail.push(`${Math.round(performance.now())} ${what}`);
  if (trail.length > 60) trail.shift();
}
client.watch(() => note(`${client.status} ${client.transport} ${client.error ?? ''}`));

let sums = 0;
const mirrors = told.mirrors.map(({ table, sum, ...options }, at) => {
  const mirror = client.mirror(table, options);
  mirror.subscribe((changes) => {
    note(`${at}: ${changes.length} changes, at ${mirror.cursor?.length}`);
    if (sum !== null) checkSum(mirror, at, sum);
    checkPair();
  });
  mirror.watch(() => {
    if (mirror.status === 'error') fail(`${at}: ${mirror.error?.stack ?? mirror.error}`);
  });
  return mirror;
});

function fail(what) {
  say({ fault: `${what}\n  ${trail.join('\n  ')}` });
}

function checkSum(mirror, at, expected) {
  let sum = 0;
  for (const row of mirror.rows.values()) sum += row.balance;
  sums += 1;
  if (sum !== expected) fail(`${at}: the sum is ${sum}, not ${expected}; ${mirror.rows.size} rows`);
}

/** The first two were written by the same transactions. */
function checkPair() {
  if (!told.hasPair || client.transport !== 'websocket') return;
  const [one, other] = mirrors;
  if (one.status !== 'live' || other.status !== 'live') return;
  const [a, b] = [one.get(1)?.version, other.get(1)?.version];
  if (a !== b) fail(`version ${a} beside ${b}`);
}

function differences(mirror, texts) {
  const wrong = [];
  const left = new Set(mirror.rows.keys());
  for (const text of texts) {
    const row = parse(text, 'string');
    const key = keyOf(mirror.key, row, 'string');
    left.delete(key);
    const found = mirror.rows.get(key);
    if (!found) wrong.push(`${key} is missing`);
    else if (!isSame(found, row)) wrong.push(`${key} differs: ${JSON.stringify(found)}, and should be ${text}`);
  }
  for (const key of left) wrong.push(`${key} is only in the copy`);
  return wrong.map((text) => text.slice(0, 500));
}

for await (const line of lines) {
  const { rows } = JSON.parse(line);
  const wrong = mirrors.map((mirror, at) => {
    const differ = mirror.key.length > 0 ? differences(mirror, rows[at]) : ['there are no rows yet'];
    return differ.slice(0, 5).map((text) => `${at}, ${mirror.status}: ${text}`);
  });
  say({ wrong: wrong.flat(), sums, transport: client.transport, trail: wrong.flat().length > 0 ? trail : [] });
}
process.exit();
