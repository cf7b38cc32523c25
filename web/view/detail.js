// One row, whole: every column with its full value.

import { byId, element, part, setText } from './dom.js';
import { layOut } from './source.js';
import { causeOf, clock, inTitle, valueOf } from './value.js';

/**
 * @typedef {import('../sort.js').Entry} Entry
 * @typedef {import('../api.js').Column} Column
 */

const SHOWN_CHARS = 100_000;

/** The panel. */
export class Detail {
  #panel = byId('detail');
  #list = part(this.#panel, 'dl');
  /** What is drawn. @type {unknown} */
  #row = null;
  #mark = 0;
  #title = '';

  /** @param {() => void} close */
  constructor(close) {
    part(this.#panel, 'button').addEventListener('click', close);
  }

  /**
   * @param {string} title
   * @param {Column[]} columns
   * @param {Pick<Entry, 'row' | 'mark'> | null | undefined} entry null: none is chosen; undefined:
   *   the chosen one is no longer there
   */
  draw(title, columns, entry) {
    this.#panel.hidden = entry === null || (!entry && !this.#row);
    if (!entry) {
      this.#leave(entry === null);
      return;
    }
    const revision = entry.mark?.revision ?? 0;
    if (entry.row === this.#row && revision === this.#mark && title === this.#title) return;
    const scroll = title === this.#title ? this.#list.scrollTop : 0;
    this.#row = entry.row;
    this.#mark = revision;
    this.#title = title;
    setText(part(this.#panel, 'h2'), title);
    this.#list.replaceChildren(...entries(columns, entry));
    this.#list.scrollTop = scroll;
  }

  /** @param {boolean} closed or else what is shown stays, as the last that is known */
  #leave(closed) {
    if (closed) this.#row = null;
    else this.#list.querySelector('.last')?.classList.add('gone');
  }
}

/**
 * @param {Column[]} columns
 * @param {Pick<Entry, 'row' | 'mark'>} entry
 */
function entries(columns, { row, mark }) {
  const changed = new Set(mark?.changed);
  return [
    element('div', 'last', mark ? lastOf(mark) : 'Unchanged since it is shown here'),
    ...columns.map(({ name, type }) => {
      const term = element('dt', '', name, element('small', '', type));
      const value = element('dd', '', shownWhole(row[name], type));
      return element('div', changed.has(name) ? 'changed' : '', term, value);
    }),
  ];
}

/** @param {import('../recent.js').Mark} mark */
function lastOf(mark) {
  return `${mark.event} at ${clock(mark.at)}${mark.cause ? `: it ${causeOf(mark)}` : ''}`;
}

/**
 * @param {unknown} raw
 * @param {string} type
 */
function shownWhole(raw, type) {
  const value = valueOf(raw, type);
  const shown = element('span', 'value', textOf(raw, value));
  shown.dataset.kind = value.kind;
  const rest = value.text.length - SHOWN_CHARS;
  if (rest > 0) shown.append(element('em', '', ` … ${rest.toLocaleString('en')} more characters`));
  return shown;
}

/**
 * @param {unknown} raw
 * @param {import('./value.js').Value} value
 */
function textOf(raw, value) {
  if (value.kind === 'masked') return `${value.text} ${inTitle(value)}`;
  const text = value.kind === 'json' ? layOut(raw) : value.text;
  return text.slice(0, SHOWN_CHARS);
}
