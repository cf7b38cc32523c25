// How one value looks in a cell.

const CELL_CHARS = 80;
const TITLE_CHARS = 1_000;
const TITLE_FROM_CHARS = 24;

/**
 * @typedef {'masked' | 'null' | 'empty' | 'text' | 'number' | 'boolean'
 *   | 'json'} ValueKind
 * @typedef {{ kind: ValueKind, text: string }} Value
 * @typedef {{ event: string, cause?: 'enter' | 'leave' | undefined }} Happened
 */

/**
 * @param {unknown} value undefined where a row lacks the column: it isn't for this reader
 * @param {string} [type] the column's
 * @returns {Value}
 */
export function valueOf(value, type = '') {
  if (value === undefined) return { kind: 'masked', text: '—' };
  if (value === null) return { kind: 'null', text: 'null' };
  switch (typeof value) {
    case 'string':
      return textValue(value, type);
    case 'boolean':
      return { kind: 'boolean', text: String(value) };
    case 'object':
      return { kind: 'json', text: JSON.stringify(value) };
    default:
      return { kind: 'number', text: withScale(String(value), type) };
  }
}

/**
 * Numbers that a double can't hold come as text.
 * @param {string} text
 * @param {string} type
 * @returns {Value}
 */
function textValue(text, type) {
  if (text === '') return { kind: 'empty', text: 'empty' };
  if (isNumeric(type) && /^-?\d/.test(text)) return { kind: 'number', text: withScale(text, type) };
  return { kind: 'text', text };
}

/**
 * As many digits after the point as the column has: 12.5 in `numeric(10,2)` is 12.50.
 * @param {string} text
 * @param {string} type
 */
function withScale(text, type) {
  const scale = Number(/^numeric\(\d+,(\d+)\)$/.exec(type)?.[1] ?? 0);
  const [, whole = '', fraction = ''] = /^(-?\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  return whole && scale > 0 ? `${whole}.${fraction.padEnd(scale, '0')}` : text;
}

/**
 * One line of limited length: line ends become visible, the rest is cut.
 * @param {Value} value
 * @param {string} [type] the column's
 */
export function inCell({ text }, type = '') {
  if (type.startsWith('timestamp') && !type.endsWith(']')) return toTheSecond(text);
  const cut = text.length > CELL_CHARS ? `${text.slice(0, CELL_CHARS)}…` : text;
  return cut.replace(/\r\n|\r|\n/g, '↵').replace(/\t/g, '⇥');
}

/**
 * A time to the second; the rest of its digits are in the title and in the row's details.
 * @param {string} text
 */
function toTheSecond(text) {
  return text
    .replace(/^(\d{4,}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?/, '$1 $2')
    .replace(/\+00:00$/, 'Z');
}

/**
 * What a pointer resting on the cell shows: more of a long value, nothing for a short one.
 * @param {Value} value
 */
export function inTitle({ kind, text }) {
  if (kind === 'masked') return 'not visible to you';
  if (text.length <= TITLE_FROM_CHARS) return '';
  return text.length > TITLE_CHARS ? `${text.slice(0, TITLE_CHARS)}…` : text;
}

/**
 * The key's values, as one short text.
 * @param {Record<string, unknown>} identity
 */
export function identityText(identity) {
  return Object.values(identity)
    .map((value) => inCell(valueOf(value)))
    .join(' · ');
}

/**
 * Whether a column's values are set flush right.
 * @param {string} type as PostgreSQL prints it
 */
export function isNumeric(type) {
  return /^(smallint|integer|bigint|numeric|real|double precision|oid)\b(?!.*\[)/.test(type);
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

/**
 * The time of day where the reader is, to the second.
 * @param {string | number} at
 */
export function clock(at) {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : CLOCK.format(date);
}

/** @type {Record<string, string>} */
const SIGNS = { created: '+', updated: '~', patched: '~', removed: '−', truncated: '∅' };

/**
 * The mark of what happened; a row that came into view or left it has one of its own.
 * @param {Happened} event
 */
export function signOf({ event, cause }) {
  if (cause === 'enter') return '→';
  return cause === 'leave' ? '←' : (SIGNS[event] ?? '');
}

/** The same in one word. @param {Happened} event */
export function causeWord({ cause }) {
  if (cause === 'enter') return 'entered';
  return cause === 'leave' ? 'left' : '';
}

/**
 * Why a row that wasn't made or deleted appears or goes, if that is so.
 * @param {Happened} event
 */
export function causeOf({ cause }) {
  if (cause === 'enter') return 'came into view';
  return cause === 'leave' ? 'left the view' : '';
}
