// How the server's frames look. Only what the page decides by is decoded; rows stay source text,
// cell by cell.

import { Reader } from './json.js';

/**
 * A column's value as its JSON source text, by the column's name.
 * @typedef {Map<string, string>} Cells
 */

/**
 * @typedef {'created' | 'updated' | 'patched' | 'removed' | 'truncated'} EventKind
 * @typedef {object} RowEvent
 * @property {EventKind} event
 * @property {Cells | null} key null for a table that has none, and for `truncated`
 * @property {Cells | null} data null for `truncated` and where the row is too large to send
 * @property {string[]} changed
 * @property {'enter' | 'leave'} [cause]
 * @property {boolean} oversize
 * @property {string} tx
 * @property {string} at
 * @property {string} source the whole event as it came
 */

/**
 * @typedef {{ op: 'hello', protocol: string, identity?: Record<string, unknown> | null }} Hello
 * @typedef {{ op: 'subscribed', id: string, feed: number, table: string, key: string[] | null,
 *   columns: import('./api.js').Column[] }} Subscribed
 * @typedef {{ op: 'events', feed: number, events: RowEvent[] }} Events
 * @typedef {{ op: 'commit', cursor: string }} Commit
 * @typedef {{ op: 'reset', feed: number, reason: string }} Reset
 * @typedef {{ op: 'unsubscribed', id: string, feed: number }} Unsubscribed
 * @typedef {{ op: 'error', id?: string, code: string, detail?: string,
 *   position?: number }} Fault
 * @typedef {Hello | Subscribed | Events | Commit | Reset | Unsubscribed | Fault | { op: 'pong' }}
 *   Frame
 */

/**
 * @param {string} text
 * @returns {Frame}
 * @throws {SyntaxError} if it isn't a JSON object
 */
export function readFrame(text) {
  /** @type {Record<string, unknown>} */
  const frame = {};
  const reader = new Reader(text);
  reader.object((name) => {
    frame[name] = name === 'events' ? readEvents(reader) : reader.value();
  });
  return /** @type {any} */ (frame);
}

/** @param {Reader} reader */
function readEvents(reader) {
  /** @type {RowEvent[]} */
  const events = [];
  reader.array(() => events.push(readEvent(reader)));
  return events;
}

/**
 * @param {Reader} reader
 * @returns {RowEvent}
 */
function readEvent(reader) {
  /** @type {RowEvent} */
  const event = {
    event: 'patched',
    key: null,
    data: null,
    changed: [],
    oversize: false,
    tx: '',
    at: '',
    source: '',
  };
  const mark = reader.mark();
  reader.object((name) => {
    switch (name) {
      case 'key':
      case 'data':
        event[name] = readCells(reader);
        break;
      case 'event':
      case 'changed':
      case 'cause':
      case 'oversize':
      case 'tx':
      case 'at':
        Object.assign(event, { [name]: reader.value() });
        break;
      default:
        reader.raw();
    }
  });
  event.source = reader.since(mark);
  return event;
}

/**
 * @param {Reader} reader
 * @returns {Cells | null}
 */
function readCells(reader) {
  if (reader.peek() !== '{') {
    reader.raw();
    return null;
  }
  /** @type {Cells} */
  const cells = new Map();
  reader.object((name) => cells.set(name, reader.raw()));
  return cells;
}
