// One row, whole: every column with its full value.

import { layOut } from '../json.js';
import { byId, element, part, setText } from './dom.js';
import { causeOf, clock, identityText, inTitle, valueIn } from './value.js';

/**
 * @typedef {import('../state.js').Row} Row
 * @typedef {import('../api.js').Column} Column
 */

const SHOWN_CHARS = 100_000;

/** The panel. */
export class Detail {
  #panel = byId('detail');
  #list = part(this.#panel, 'dl');
  /** @type {Row | null} */
  #row = null;

  /** @param {() => void} close */
  constructor(close) {
    part(this.#panel, 'button').addEventListener('click', close);
  }

  /**
   * @param {string} table
   * @param {Column[]} columns
   * @param {Row | null | undefined} row null: none is chosen; undefined: the chosen one is no
   *   longer listed
   */
  draw(table, columns, row) {
    this.#panel.hidden = row === null || (!row && !this.#row);
    if (!row) {
      this.#leave(row === null);
      return;
    }
    if (row === this.#row) return;
    const sameRow = this.#row?.id === row.id;
    this.#row = row;
    setText(part(this.#panel, 'h2'), `${table} ${identityText(row.identity)}`);
    const scroll = this.#list.scrollTop;
    this.#list.replaceChildren(...entries(columns, row));
    this.#list.scrollTop = sameRow ? scroll : 0;
  }

  /** @param {boolean} closed or else what is shown stays, as the last that is known */
  #leave(closed) {
    if (closed) this.#row = null;
    else this.#list.querySelector('.last')?.classList.add('gone');
  }
}

/**
 * @param {Column[]} columns
 * @param {Row} row
 */
function entries(columns, row) {
  const state = element('div', 'last', `${row.last.event} at ${clock(row.last.at)}`);
  if (row.last.cause) state.append(`: it ${causeOf(row.last)}`);
  if (row.last.oversize) state.append('; too large to send, only the key is known');
  const changed = new Set(row.last.changed);
  return [
    state,
    ...columns.map(({ name, type }) => {
      const term = element('dt', '', name, element('small', '', type));
      const value = element('dd', '', shownWhole(valueIn(row, name)));
      return element('div', changed.has(name) ? 'changed' : '', term, value);
    }),
  ];
}

/** @param {import('./value.js').Value} value */
function shownWhole(value) {
  if (value.kind === 'masked') return masked(value);
  const text =
    value.kind === 'json' && value.text.length < SHOWN_CHARS
      ? layOut(value.text)
          .map((token) => token.text)
          .join('')
      : value.text;
  const shown = element('span', 'value', text.slice(0, SHOWN_CHARS));
  shown.dataset.kind = value.kind;
  if (text.length > SHOWN_CHARS) {
    shown.append(
      element('em', '', ` … ${(text.length - SHOWN_CHARS).toLocaleString('en')} more characters`),
    );
  }
  return shown;
}

/** @param {import('./value.js').Value} value */
function masked(value) {
  const shown = element('span', 'value', `${value.text} ${inTitle(value)}`);
  shown.dataset.kind = value.kind;
  return shown;
}
