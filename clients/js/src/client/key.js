// What names a row in a mirror.

import { RowcastError } from './errors.js';
import { stringify } from './json.js';

/** @typedef {string | number | bigint | boolean} Key a row's name in `rows` */
/** @typedef {Record<string, any>} Row */

/** Rounding could give two rows one name. */
const INEXACT = new RowcastError({
  code: 'inexact_key',
  detail: 'a key beyond 2^53 can\'t be told apart with bigint: "number"',
  fatal: true,
});

/**
 * The key column's value as it is in rows; of several, the JSON text of their values in the key's
 * order: `[1,"a"]`.
 * @param {string[]} columns
 * @param {Row} row a row, or an event's `key`
 * @param {import('./json.js').BigintMode} mode how its numbers were read
 * @returns {Key}
 * @throws {RowcastError} `inexact_key`
 */
export function keyOf(columns, row, mode) {
  const values = columns.map((name) => row[name]);
  if (mode === 'number' && values.some(isRounded)) throw INEXACT;
  return keyOfValues(values);
}

/**
 * The key that a caller means: a scalar, the values in the key's order, or an object by column.
 * @param {string[]} columns
 * @param {Key | unknown[] | Row} given
 * @returns {Key}
 */
export function keyOfGiven(columns, given) {
  if (isScalar(given)) return given;
  return keyOfValues(Array.isArray(given) ? given : columns.map((name) => given[name]));
}

/**
 * @param {unknown[]} values
 * @returns {Key}
 */
function keyOfValues(values) {
  const [value] = values;
  return values.length === 1 && isScalar(value) ? value : stringify(values);
}

/** @param {unknown} value */
function isRounded(value) {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

/**
 * @param {unknown} value
 * @returns {value is Key}
 */
function isScalar(value) {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
}
