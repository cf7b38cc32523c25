// JSON whose numbers keep all their digits.
//
// PostgreSQL writes bigint and numeric as JSON numbers of any length; JSON.parse rounds them. What
// a double holds exactly is a number here, always; the rest is what `bigint` says.

/** @typedef {'number' | 'string' | 'bigint'} BigintMode */

/** Nothing without a match has a number that JSON.parse would change. */
const SUSPECT = /\d[\d.]{15}|\d[eE][+-]?\d{3}/;
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
const INTEGER = /^-?\d+$/;
/** As many significant digits as every double keeps. */
const SAFE_DIGITS = 15;
/** Begins a string that stands for an integer; nobody else can know it. */
const MARK = `${Math.random()}${Math.random()}:`;

/**
 * Reads JSON. Integers beyond 2^53 and fractions that a double can't hold come as rounded numbers
 * (`number`), as strings with their digits (`string`), or as BigInts, fractions as strings
 * (`bigint`).
 * @param {string} text
 * @param {BigintMode} mode
 * @returns {any}
 * @throws {SyntaxError}
 */
export function parse(text, mode) {
  if (mode === 'number' || !SUSPECT.test(text)) return JSON.parse(text);
  if (mode === 'string') return JSON.parse(text.replace(TOKENS, quoted));
  return JSON.parse(text.replace(TOKENS, marked), (_, value) =>
    typeof value === 'string' && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value,
  );
}

/** @param {string} token */
function quoted(token) {
  return token.startsWith('"') || isExact(token) ? token : `"${token}"`;
}

/** @param {string} token */
function marked(token) {
  if (token.startsWith('"') || isExact(token)) return token;
  return INTEGER.test(token) ? `"${MARK}${token}"` : `"${token}"`;
}

/**
 * Whether a double holds this number's digits.
 * @param {string} text
 */
function isExact(text) {
  const value = Number(text);
  if (INTEGER.test(text)) return Number.isSafeInteger(value);
  if (!Number.isFinite(value)) return false;
  const digits = significant(text);
  if (value === 0) return digits === '';
  return digits.length <= SAFE_DIGITS || digits === significant(String(value));
}

/** @param {string} text */
function significant(text) {
  const digits = text.replace(/[eE].*/, '').replace(/[-.]/g, '');
  return digits.replace(/^0+/, '').replace(/0+$/, '');
}

const MARKED = new RegExp(`"${MARK.replaceAll('.', '\\.')}(-?\\d+)"`, 'g');

/**
 * Writes JSON; BigInts as numbers with all their digits.
 * @param {unknown} value
 */
export function stringify(value) {
  const text = JSON.stringify(value, (_, inner) =>
    typeof inner === 'bigint' ? `${MARK}${inner}` : inner,
  );
  return text.includes(MARK) ? text.replace(MARKED, '$1') : text;
}
