// How one value looks: from its JSON source text to what is read in a cell.

const CELL_CHARS = 80;
const TITLE_CHARS = 1_000;
const TITLE_FROM_CHARS = 24;

/**
 * @typedef {'missing' | 'masked' | 'null' | 'empty' | 'text' | 'number' | 'boolean'
 *   | 'json'} ValueKind
 * @typedef {{ kind: ValueKind, text: string }} Value
 */

/**
 * @param {string | undefined} source undefined where the event didn't carry the column
 * @returns {Value}
 */
export function valueOf(source) {
  if (source === undefined) return { kind: 'missing', text: '' };
  switch (source.charAt(0)) {
    case 'n':
      return { kind: 'null', text: 'null' };
    case '"':
      return textValue(source);
    case 't':
    case 'f':
      return { kind: 'boolean', text: source };
    case '{':
    case '[':
      return { kind: 'json', text: source };
    default:
      return { kind: 'number', text: source };
  }
}

/**
 * A column's value in a row: one that the row's other columns came without isn't for this reader.
 * @param {import('../state.js').Row} row
 * @param {string} name
 * @returns {Value}
 */
export function valueIn({ cells, identity }, name) {
  const source = cells?.get(name) ?? identity.get(name);
  return cells && source === undefined ? { kind: 'masked', text: '—' } : valueOf(source);
}

/**
 * @param {string} source
 * @returns {Value}
 */
function textValue(source) {
  const text = decode(source);
  return text === '' ? { kind: 'empty', text: 'empty' } : { kind: 'text', text };
}

/** @param {string} source */
function decode(source) {
  try {
    return /** @type {string} */ (JSON.parse(source));
  } catch {
    return source;
  }
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
 * @param {import('../frame.js').Cells} identity
 */
export function identityText(identity) {
  return [...identity.values()].map((source) => inCell(valueOf(source))).join(' · ');
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

const SIGNS = { created: '+', updated: '~', patched: '~', removed: '−', truncated: '∅' };

/**
 * The mark of what happened; a row that came into view or left it has one of its own.
 * @param {import('../frame.js').RowEvent} event
 */
export function signOf({ event, cause }) {
  if (cause === 'enter') return '→';
  return cause === 'leave' ? '←' : SIGNS[event];
}

/** The same in one word. @param {import('../frame.js').RowEvent} event */
export function causeWord({ cause }) {
  if (cause === 'enter') return 'entered';
  return cause === 'leave' ? 'left' : '';
}

/**
 * Why a row that wasn't made or deleted appears or goes, if that is so.
 * @param {import('../frame.js').RowEvent} event
 */
export function causeOf({ cause }) {
  if (cause === 'enter') return 'came into view';
  return cause === 'leave' ? 'left the view' : '';
}
