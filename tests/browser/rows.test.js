import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cell, live, order, row, stage, untilReceived, visit } from './stage.js';

const BURST = 10_000;
/** The longest that the page may keep the reader waiting while a burst comes in. */
const FREEZE_MS = 1_000;

test('rows appear, patched cells are highlighted, removed rows are struck out and leave', async () => {
  await visit();
  await live();
  stage.server.batch(order('created', 1), order('created', 2));
  await row(2).waitFor();
  assert.equal(await row(1).getAttribute('data-event'), 'created');

  stage.server.batch(order('patched', 1, { status: 'paid' }, { changed: ['status'] }));
  const status = await cell(1, 'status');
  await status.getByText('paid').waitFor();
  assert.match(await status.getAttribute('class'), /changed.*flash/);
  assert.doesNotMatch(await (await cell(1, 'total')).getAttribute('class'), /changed|flash/);
  const animated = await status.evaluate((td) => td.getAnimations().length);
  assert.equal(animated, 1);

  stage.server.batch(order('removed', 2));
  await stage.page.locator('tbody tr[data-key="2"][data-event="removed"]').waitFor();
  assert.equal(
    await (await cell(2, 'status')).evaluate((td) => getComputedStyle(td).textDecorationLine),
    'line-through',
  );
  await row(2).waitFor({ state: 'detached' });
  assert.equal(await row(1).count(), 1);
  assert.deepEqual(stage.complaints, []);
});

test('a highlight begins anew with each change of a cell', async () => {
  await visit();
  await live();
  stage.server.batch(order('created', 1));
  const began = [];
  for (const status of ['paid', 'sent']) {
    stage.server.batch(order('patched', 1, { status }, { changed: ['status'] }));
    const td = await cell(1, 'status');
    await td.getByText(status).waitFor();
    began.push(await td.evaluate((element) => element.getAnimations()[0]?.animationName));
  }
  assert.deepEqual(began.toSorted(), ['flash-a', 'flash-b']);
});

test('a batch shows whole, at its commit', async () => {
  await visit();
  await live();
  await stage.page.evaluate(() => {
    globalThis.seen = [];
    const look = () => {
      const rows = [...document.querySelectorAll('.panel tbody tr')]
        .map((tr) => tr.dataset.key)
        .sort()
        .join();
      const events = document.querySelectorAll('#events li:not(.none)').length;
      if (globalThis.seen.at(-1) !== `${rows} ${events}`) globalThis.seen.push(`${rows} ${events}`);
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  });
  stage.server.events(order('created', 1));
  stage.server.events(order('created', 2), order('removed', 1));
  await untilReceived();
  await stage.page.keyboard.press('Escape');
  await untilReceived();
  assert.equal(await stage.page.locator('.panel tbody tr').count(), 0);
  stage.server.events(order('created', 3));
  stage.server.commit();
  await row(3).waitFor();
  const states = await stage.page.evaluate(() =>
    globalThis.seen.filter((state) => !state.endsWith(' 0')),
  );
  assert.deepEqual(states, ['1,2,3 4']);
});

test('a truncation empties the grid and says so', async () => {
  await visit();
  await live();
  stage.server.batch(order('created', 2));
  await row(2).waitFor();
  stage.server.batch({
    event: 'truncated',
    table: 'orders',
    key: null,
    seq: 900,
    tx: '9',
    at: new Date().toISOString(),
  });
  await stage.page.getByText('removed by TRUNCATE').waitFor();
  assert.equal(await row(2).count(), 0);
  await stage.page.getByRole('button', { name: 'Dismiss' }).click();
  await stage.page.locator('.panel .notice').waitFor({ state: 'hidden' });
});

test('values are shown exactly, and null is told from empty', async () => {
  await visit();
  await live();
  const event = JSON.stringify(order('created', 1, { note: '' }))
    .replace('"id":1}', '"id":9223372036854775807}')
    .replace('"id":1,', '"id":9223372036854775807,')
    .replace('12.5', '12.50')
    .replace('"extra":{}', '"extra":{"a":[1,"b"]}');
  stage.server.send(`{"op":"events","feed":1,"events":[${event}]}`);
  stage.server.batch(order('created', 2, { note: `<b>${'x'.repeat(5000)}` }));
  const id = '9223372036854775807';
  await row(id).waitFor();
  assert.equal(await (await cell(id, 'total')).innerText(), '12.50');
  assert.equal(await (await cell(id, 'extra')).innerText(), '{"a":[1,"b"]}');
  assert.equal(await (await cell(id, 'note')).getAttribute('data-kind'), 'empty');
  const long = await cell(2, 'note');
  assert.match(await long.innerText(), /^<b>x{77}…$/);
  await long.click();
  assert.equal((await stage.page.locator('#detail dd').nth(4).innerText()).length, 5003);
  await stage.page.locator(`#events summary`).nth(1).click();
  const source = await stage.page.locator('#events pre').innerText();
  assert.ok(
    source.includes(`"id": "${id}"`) && source.includes('"a": [') && source.includes('12.5'),
  );
});

test(`${BURST} events a second don't freeze the page`, async () => {
  await visit();
  await live();
  stage.server.batch(order('created', 0));
  await stage.page.getByRole('button', { name: 'changed' }).click();
  await stage.page.evaluate(() => {
    globalThis.worst = 0;
    let last = performance.now();
    const step = (now) => {
      globalThis.worst = Math.max(globalThis.worst, now - last);
      last = now;
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });
  for (let second = 0; second < 3; second += 1) {
    for (let batch = 0; batch < 100; batch += 1) {
      const first = second * BURST + batch * 100;
      stage.server.batch(
        ...Array.from({ length: 100 }, (_, i) =>
          order(
            i % 3 ? 'created' : 'patched',
            (first + i) % 4000,
            {
              status: `s${first}`,
            },
            { changed: ['status'] },
          ),
        ),
      );
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
  }
  const last = (3 * BURST - 1) % 4000;
  await row(last).waitFor();
  const { worst, rows, events } = await stage.page.evaluate(() => ({
    worst: globalThis.worst,
    rows: document.querySelectorAll('.panel tbody tr').length,
    events: document.querySelectorAll('#events li').length,
  }));
  assert.ok(worst < FREEZE_MS, `no frame for ${worst} ms`);
  assert.deepEqual([rows, events], [200, 150]);
  await stage.page.waitForFunction(() => /k$/.test(document.querySelector('#rate').textContent));
  assert.deepEqual(stage.complaints, []);
});

test('one batch of 10,000 events is shown whole', async () => {
  await visit();
  await live();
  stage.server.batch(...Array.from({ length: BURST }, (_, i) => order('created', i)));
  await row(BURST - 1).waitFor();
  assert.match(await stage.page.locator('.counts').innerText(), /10,000 created/);
});
