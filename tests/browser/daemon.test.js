// The page on the daemon itself: `rowcast demo`, whose shop never stops changing.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from './browser.js';
import { startDemo } from './demo.js';

let browser;
let demo;
let url;

before(
  async () => {
    demo = await startDemo(40);
    ({ url } = demo);
    browser = await launch();
  },
  { timeout: 60_000 },
);

after(async () => {
  await browser?.close();
  await demo?.stop();
});

test('the shop is shown live', async () => {
  const { page, complaints } = await open(browser, `${url}#table=orders`);
  await page.locator('.panel tbody tr[data-event="created"]').first().waitFor();
  await page.locator('.panel tbody td.changed').first().waitFor();
  const headings = await page.locator('.panel thead th').allInnerTexts();
  assert.ok(headings.includes('status') && !headings.includes('internal_note'), headings.join());
  await page.locator('#events summary').first().click();
  const source = await page.locator('#events pre').innerText();
  assert.ok(!source.includes('internal_note') && JSON.parse(source).table === 'orders');
  assert.deepEqual(complaints, []);
  await page.context().close();
});

/** What a fresh reading of a table says, as text: the key of each row, then its status. */
const readAnew = (page, name) =>
  page.waitForFunction(async (who) => {
    const identities = await (await fetch('demo/identities')).json();
    const { token } = identities.find((identity) => identity.name === who);
    const headers = { authorization: `Bearer ${token}` };
    const { rows } = await (await fetch('v1/tables/orders/rows', { headers })).json();
    const at = [...document.querySelectorAll('.panel thead th')].findIndex(
      (th) => th.textContent === 'status',
    );
    const shown = [...document.querySelectorAll('.panel tbody tr:not([data-event="removed"])')].map(
      (tr) => `${tr.dataset.key} ${tr.children[at].textContent}`,
    );
    return (
      shown.sort().join() ===
      rows
        .map(({ id, status }) => `${id} ${status}`)
        .sort()
        .join()
    );
  }, name);

test('the grid is what a fresh reading says, while the table changes', async () => {
  const { page } = await as('Ada Lovelace', '#table=orders');
  await page.locator('.panel tbody tr').first().waitFor();
  await readAnew(page, 'Ada Lovelace');
  await page.locator('#events li:nth-child(5)').waitFor();
  await readAnew(page, 'Ada Lovelace');
  await page.context().close();
});

/** The page as one of the demo's identities sees it. */
async function as(name, hash) {
  const opened = await open(browser, url + hash);
  await opened.page.getByRole('radio', { name }).check();
  await opened.page.locator('#connection[data-phase="live"]').waitFor();
  await opened.page.locator('#tables li').first().waitFor();
  const tables = await opened.page.locator('#tables li > :first-child').allInnerTexts();
  return { ...opened, tables };
}

/** The values of a column in the rows that are listed, at a moment when the column and so many of those rows are there. */
async function values(page, column, least = 4, those = '') {
  const found = await page.waitForFunction(
    ([name, rows, most]) => {
      const headings = [...document.querySelectorAll('.panel thead th')].map(
        (th) => th.textContent,
      );
      const at = headings.indexOf(name);
      const cells = [...document.querySelectorAll(rows)].map((tr) => tr.children[at]?.textContent);
      return at >= 0 && cells.length >= most ? cells : null;
    },
    [column, `.panel tbody tr${those}`, least],
  );
  return found.jsonValue();
}

test('each identity sees its own rows and columns, and nobody only what is public', async () => {
  const all = ['customers', 'messages', 'order_items', 'orders', 'products'];
  for (const [name, id] of [
    ['Ada Lovelace', '1'],
    ['Grace Hopper', '2'],
  ]) {
    const { page, tables } = await as(name, '#table=orders');
    assert.deepEqual(tables, all);
    assert.deepEqual([...new Set(await values(page, 'customer_id'))], [id]);
    assert.equal(await page.getByRole('columnheader', { name: 'margin' }).count(), 0);
    await page.context().close();
  }
  const mary = await as('Mary Seacole', '#table=orders');
  await mary.page.getByRole('columnheader', { name: 'margin' }).waitFor();
  await mary.page.waitForFunction(() => {
    const cells = [...document.querySelectorAll('.panel tbody tr td:nth-child(3)')];
    return new Set(cells.map((td) => td.textContent)).size > 2;
  });
  await mary.page.getByRole('link', { name: 'customers', exact: true }).click();
  assert.deepEqual([...new Set(await values(mary.page, 'email', 1))], ['—']);
  assert.deepEqual(mary.complaints, []);
  await mary.page.context().close();

  const nobody = await as('Signed out', '#table=orders');
  await nobody.page.getByText("orders isn't there for this reader").waitFor();
  await nobody.page.getByRole('heading', { name: 'messages', exact: true }).waitFor();
  const tables = await nobody.page.locator('#tables li > :first-child').allInnerTexts();
  assert.deepEqual(tables, ['messages', 'products']);
  await nobody.page.context().close();
});

test('rows enter and leave what a filter shows', async () => {
  const { page, complaints } = await as('Mary Seacole', '#table=orders');
  const box = page.getByLabel('where');
  await box.fill("status = 'paid'");
  await box.press('Enter');
  await page.locator('.panel tbody tr[data-cause="enter"]').first().waitFor();
  await page.locator('.panel tbody tr[data-cause="leave"]').first().waitFor();
  const seen = await values(page, 'status', 1, ':not([data-event="removed"])');
  assert.deepEqual([...new Set(seen)], ['paid']);

  await box.fill("status = 'paid' and totl > 1");
  await box.press('Enter');
  await page.getByText(/Character 21: /).waitFor();
  assert.equal(await page.locator('.fault mark').innerText(), 't');
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test('a message that is made public or private enters or leaves the view of nobody', async () => {
  const { page } = await as('Signed out', '#table=messages');
  await page.locator('.panel tbody tr[data-cause="enter"]').first().waitFor();
  await page.locator('.panel tbody tr[data-cause="leave"]').first().waitFor();
  const seen = await values(page, 'visibility', 4, ':not([data-event="removed"])');
  assert.deepEqual([...new Set(seen)], ['public']);
  await page.context().close();
});

test("the chart's numbers are SQL's", async () => {
  const { page, complaints } = await as('Mary Seacole', '#table=products');
  await page.locator('#shop .revenue tr[data-status="shipped"]').waitFor();
  const database = await demo.database();
  const end = performance.now() + 20_000;
  let [shown, wanted] = ['', 'nothing'];
  while (shown !== wanted && performance.now() < end) {
    [wanted, shown] = await Promise.all([shopInSql(database), shopOnPage(page)]);
  }
  assert.equal(shown, wanted);
  const told = await page.getByRole('img', { name: /Orders in each of the last ten/ });
  assert.equal(await told.locator('rect').count(), 10);
  assert.match(await told.locator('desc').textContent(), /^\d\d:\d\d: \d+(, \d\d:\d\d: \d+){9}$/);
  await page.getByRole('radio', { name: 'Signed out' }).check();
  await page.locator('#shop').waitFor({ state: 'hidden' });
  await database.end();
  assert.deepEqual(complaints, []);
  await page.context().close();
});

async function shopInSql(database) {
  const { rows } = await database.query(`
    select status, to_char(coalesce(sum(total), 0), 'FM999,999,990.00') as sum, count(id)::text as n
    from unnest(enum_range(null::order_status)) as all_of (status) left join orders using (status)
    group by status order by status`);
  const minutes = await database.query(`
    select count(id)::text as n
    from generate_series(0, 9) as back (n)
    left join orders on date_trunc('minute', created_at)
        = date_trunc('minute', now()) - (9 - back.n) * interval '1 minute'
    group by back.n order by back.n`);
  return JSON.stringify([
    rows.map(({ status, sum, n }) => [status, sum, n]),
    minutes.rows.map(({ n }) => n),
  ]);
}

const shopOnPage = (page) =>
  page.evaluate(() => {
    const cells = (figure) =>
      [...document.querySelectorAll(`#shop ${figure} tbody tr`)].map((tr) =>
        [...tr.children].map((cell) => cell.textContent),
      );
    const revenue = cells('.revenue').map(([status, , sum, orders]) => [status, sum, orders]);
    return JSON.stringify([revenue, cells('.minutes').map(([, orders]) => orders)]);
  });
