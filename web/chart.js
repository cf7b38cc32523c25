// The shop in numbers, computed from a mirror of its orders. Pure: the caller says what time it is.

export const MINUTES = 10;
const MINUTE_MS = 60_000;
/** What the shop's orders go through, in this order. */
export const STATUSES = ['open', 'paid', 'packed', 'shipped'];
/** The columns that it takes. */
export const COLUMNS = ['status', 'total', 'created_at'];

/**
 * @typedef {{ at: number, orders: number }} Minute `at`: when it began, in milliseconds
 * @typedef {{ status: string, cents: number, orders: number }} Revenue
 */

/**
 * How many orders each of the last minutes brought, the one under way last.
 * @param {Iterable<import('./client/key.js').Row>} orders
 * @param {number} now
 * @returns {Minute[]}
 */
export function ordersByMinute(orders, now) {
  const first = Math.floor(now / MINUTE_MS) - MINUTES + 1;
  const minutes = Array.from({ length: MINUTES }, (_, i) => {
    return { at: (first + i) * MINUTE_MS, orders: 0 };
  });
  for (const { created_at: at } of orders) {
    const minute = minutes[Math.floor(Date.parse(String(at)) / MINUTE_MS) - first];
    if (minute) minute.orders += 1;
  }
  return minutes;
}

/**
 * What the orders of each status are worth, in whole cents: sums of fractions would drift.
 * @param {Iterable<import('./client/key.js').Row>} orders
 * @returns {Revenue[]}
 */
export function revenueByStatus(orders) {
  const all = new Map(STATUSES.map((status) => [status, { status, cents: 0, orders: 0 }]));
  for (const { status, total } of orders) {
    const sum = all.get(String(status));
    if (!sum) continue;
    sum.cents += Math.round(Number(total) * 100);
    sum.orders += 1;
  }
  return [...all.values()];
}
