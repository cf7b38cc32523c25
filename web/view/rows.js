// The table of rows: one element a row, kept by the row's key, so that only what changed is
// touched.

import { arrange, byId, element, part, setText } from './dom.js';
import {
  causeOf,
  causeWord,
  clock,
  identityText,
  inCell,
  inTitle,
  isNumeric,
  signOf,
  valueIn,
} from './value.js';

/**
 * @typedef {import('../state.js').Row} Row
 * @typedef {import('../api.js').Column} Column
 * @typedef {{ tr: HTMLTableRowElement, head: HTMLElement, when: HTMLElement, cells: HTMLElement[],
 *   row: Row | null }} Drawn
 */

/**
 * Where more rows than this change between two drawings, nothing flashes: nobody could follow them.
 */
const CALM_ROWS = 40;

/** The table. */
export class RowTable {
  #table = part(byId('rows'), 'table');
  #head = part(this.#table, 'thead tr');
  #body = part(this.#table, 'tbody');
  /** @type {Map<string, Drawn>} */
  #drawn = new Map();
  /** @type {Column[]} */
  #columns = [];
  #heading = '';

  /** @param {(id: string) => void} choose called with the row that the reader wants to see whole */
  constructor(choose) {
    this.#body.addEventListener('click', ({ target }) => {
      const tr = target instanceof Element ? target.closest('tr') : null;
      if (tr) choose(tr.dataset.key ?? '');
    });
    this.#body.addEventListener('keydown', (event) => this.#key(event, choose));
  }

  /**
   * @param {{ key: string[], columns: Column[], rows: Row[], chosen: string | null }} what rows in
   *   the order to show
   */
  draw({ key, columns, rows, chosen }) {
    this.#drawHead(key, columns);
    this.#table.hidden = rows.length === 0;
    /** @type {Map<string, Drawn>} */
    const drawn = new Map();
    const isCalm = rows.filter((row) => this.#drawn.get(row.id)?.row !== row).length <= CALM_ROWS;
    for (const row of rows) {
      const known = this.#drawn.get(row.id) ?? this.#newRow(row.id);
      if (known.row !== row) this.#drawRow(known, row, isCalm);
      known.tr.setAttribute('aria-selected', String(row.id === chosen));
      drawn.set(row.id, known);
    }
    this.#drawn = drawn;
    this.#arrange([...drawn.values()].map(({ tr }) => tr));
  }

  /** @param {HTMLTableRowElement[]} wanted */
  #arrange(wanted) {
    const focused = document.activeElement;
    arrange(this.#body, wanted);
    const lost = focused instanceof HTMLElement && focused !== document.activeElement;
    if (lost && this.#body.contains(focused)) focused.focus({ preventScroll: true });
    if (!this.#body.querySelector('[tabindex="0"]')) wanted[0]?.setAttribute('tabindex', '0');
  }

  /**
   * @param {string[]} key
   * @param {Column[]} columns
   */
  #drawHead(key, columns) {
    const heading = JSON.stringify([key, columns]);
    if (heading === this.#heading) return;
    this.#heading = heading;
    this.#columns = columns.filter(({ name }) => !key.includes(name));
    this.#drawn.clear();
    this.#head.replaceChildren(
      headCell(key.join(' · ') || 'row', key.length ? 'The key' : 'This table has no key'),
      headCell('changed', 'When the row last changed, in your time'),
      ...this.#columns.map(({ name, type }) => headCell(name, type, isNumeric(type))),
    );
  }

  /**
   * @param {string} id
   * @returns {Drawn}
   */
  #newRow(id) {
    const head = element('th');
    head.scope = 'row';
    const when = element('td', 'when');
    const cells = this.#columns.map(() => element('td'));
    const tr = element('tr', '', head, when, ...cells);
    tr.dataset.key = id;
    tr.tabIndex = -1;
    return { tr, head, when, cells, row: null };
  }

  /**
   * @param {Drawn} drawn
   * @param {Row} row
   * @param {boolean} isCalm
   */
  #drawRow(drawn, row, isCalm) {
    const before = drawn.row;
    drawn.row = row;
    const { tr, head, when, cells } = drawn;
    if (!before) {
      const name = element('span', '', rowName(row));
      head.replaceChildren(element('i', 'sign'), name, element('small'));
    }
    setText(part(head, '.sign'), signOf(row.last));
    setText(part(head, 'small'), causeWord(row.last));
    setText(when, clock(row.last.at));
    tr.dataset.event = row.last.event;
    tr.dataset.cause = row.last.cause ?? '';
    tr.toggleAttribute('data-oversize', row.last.oversize);
    tr.classList.toggle('stale', row.stale);
    tr.title = titleOf(row);
    const isNewEvent = before?.revision !== row.revision;
    if (isNewEvent && isCalm) flash(tr);
    const changed = new Set(row.last.changed);
    this.#columns.forEach(({ name, type }, i) => {
      const cell = /** @type {HTMLElement} */ (cells[i]);
      const differs = !before || before.cells?.get(name) !== row.cells?.get(name);
      if (differs || !before?.cells !== !row.cells) drawCell(cell, valueIn(row, name), type);
      if (!isNewEvent) return;
      const isPatch = row.last.event === 'patched' || row.last.event === 'updated';
      const hit = isPatch && (changed.has(name) || (differs && before !== null));
      cell.classList.toggle('changed', hit);
      if (hit && isCalm) flash(cell);
    });
  }

  /**
   * @param {KeyboardEvent} event
   * @param {(id: string) => void} choose
   */
  #key(event, choose) {
    const tr = event.target instanceof HTMLTableRowElement ? event.target : null;
    if (!tr) return;
    const moves = /** @type {Record<string, Element | null>} */ ({
      ArrowDown: tr.nextElementSibling,
      ArrowUp: tr.previousElementSibling,
      Home: this.#body.firstElementChild,
      End: this.#body.lastElementChild,
    });
    const next = moves[event.key];
    if (next instanceof HTMLElement) {
      tr.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    } else if (event.key === 'Enter' || event.key === ' ') {
      choose(tr.dataset.key ?? '');
    } else return;
    event.preventDefault();
  }
}

/**
 * @param {string} text
 * @param {string} title
 * @param {boolean} [numeric]
 */
function headCell(text, title, numeric = false) {
  const th = element('th', numeric ? 'number' : '', text);
  th.scope = 'col';
  th.title = title;
  return th;
}

/**
 * @param {HTMLElement} cell
 * @param {import('./value.js').Value} value
 * @param {string} type
 */
function drawCell(cell, value, type) {
  setText(cell, inCell(value, type));
  cell.dataset.kind = value.kind;
  cell.title = inTitle(value);
  cell.classList.toggle('number', value.kind === 'number' || isNumeric(type));
}

/**
 * Plays the highlight from its start: two equal animations take turns, as the same one would not
 * begin anew.
 * @param {HTMLElement} target
 */
function flash({ classList }) {
  const isSecond = classList.toggle('flash-b', classList.contains('flash-a'));
  classList.toggle('flash-a', !isSecond);
}

/** @param {Row} row */
function rowName(row) {
  return row.identity.size > 0 ? identityText(row.identity) : row.id;
}

/** @param {Row} row */
function titleOf({ last, times, stale }) {
  const parts = [`${last.event}${times > 1 ? `, ${times} events so far` : ''}`];
  if (last.cause) parts.push(`the row ${causeOf(last)}, which is neither new nor deleted`);
  if (last.oversize) parts.push('too large to send: only the key is known');
  if (stale) parts.push('last seen before the connection was lost');
  return parts.join('; ');
}
