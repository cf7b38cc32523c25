// The order of a grid's rows. Pure.

/**
 * @typedef {import('./client/key.js').Row} Row
 * @typedef {{ key: import('./client/key.js').Key, row: Row,
 *   mark: import('./recent.js').Mark | undefined, isGone: boolean }} Entry a row as it is listed
 * @typedef {{ by: 'key' | 'change' | 'column', name: string, isDescending: boolean }} Sort
 * @typedef {(a: Entry, b: Entry) => number} Compare
 */

/**
 * @param {Sort} sort
 * @param {string[]} key the key's columns, which decide between equals
 * @param {Set<string>} numeric the columns that hold numbers
 * @returns {Compare}
 */
export function comparing({ by, name, isDescending }, key, numeric) {
  const sign = isDescending ? -1 : 1;
  /** @type {(column: string) => Compare} */
  const byColumn = (column) => (a, b) =>
    compare(a.row[column], b.row[column], sign, numeric.has(column));
  const byKey = inTurn(key.map(byColumn));
  if (by === 'key') return byKey;
  if (by === 'column') return inTurn([byColumn(name), byKey]);
  return inTurn([(a, b) => compare(a.mark?.revision, b.mark?.revision, sign, true), byKey]);
}

/**
 * The first of all in this order; all of them need not be sorted for that.
 * @template T
 * @param {Iterable<T>} items
 * @param {(a: T, b: T) => number} compare
 * @param {number} most
 */
export function firstOf(items, compare, most) {
  /** @type {T[]} */
  const first = [];
  for (const item of items) {
    const last = first.at(-1);
    if (first.length >= most && last !== undefined && compare(item, last) >= 0) continue;
    first.splice(placeOf(item, first, compare), 0, item);
    if (first.length > most) first.pop();
  }
  return first;
}

/**
 * @template T
 * @param {T} item
 * @param {T[]} sorted
 * @param {(a: T, b: T) => number} compare
 */
function placeOf(item, sorted, compare) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(item, /** @type {T} */ (sorted[middle])) < 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * @param {Compare[]} compares
 * @returns {Compare}
 */
function inTurn(compares) {
  return (a, b) => {
    for (const one of compares) {
      const result = one(a, b);
      if (result !== 0) return result;
    }
    return 0;
  };
}

/**
 * What isn't there comes last, whichever way it is sorted.
 * @param {unknown} a
 * @param {unknown} b
 * @param {number} sign
 * @param {boolean} isNumeric
 */
function compare(a, b, sign, isNumeric) {
  if (a === b) return 0;
  const isMissing = [a, b].map((value) => value === null || value === undefined);
  if (isMissing[0] || isMissing[1]) return Number(isMissing[0]) - Number(isMissing[1]);
  return sign * (isNumeric ? compareNumbers(a, b) : compareOthers(a, b));
}

/**
 * Numbers that a double can't hold come as text.
 * @param {any} a
 * @param {any} b
 */
function compareNumbers(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (isInteger(a) && isInteger(b))
    return BigInt(a) < BigInt(b) ? -1 : Number(BigInt(a) > BigInt(b));
  const [one, other] = [Number(a), Number(b)];
  if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) ? 1 : -1;
  return one < other ? -1 : Number(one > other);
}

/** @param {unknown} value */
function isInteger(value) {
  return /^-?\d+$/.test(String(value));
}

/**
 * @param {any} a
 * @param {any} b
 */
function compareOthers(a, b) {
  const [one, other] = [a, b].map((value) =>
    typeof value === 'object' ? JSON.stringify(value) : value,
  );
  return one < other ? -1 : Number(one > other);
}
