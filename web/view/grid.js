// A table's rows: one element a row, kept by the row's key, so that only what changed is touched.

import { arrange, element, part, setText } from './dom.js';
import {
  causeOf,
  causeWord,
  clock,
  identityText,
  inCell,
  inTitle,
  isNumeric,
  signOf,
  valueOf,
} from './value.js';

/**
 * @typedef {import('../sort.js').Entry} Entry
 * @typedef {import('../sort.js').Sort} Sort
 * @typedef {import('../client/key.js').Key} Key
 * @typedef {import('../api.js').Column} Column
 * @typedef {{ tr: HTMLTableRowElement, head: HTMLElement, when: HTMLElement, cells: HTMLElement[],
 *   entry: Entry }} Drawn
 */

/**
 * Where more rows than this change between two drawings, nothing flashes: nobody could follow them.
 */
const CALM_ROWS = 40;

export class Grid {
  #table;
  #head;
  #body;
  /** @type {Map<Key, Drawn>} */
  #drawn = new Map();
  /** @type {string[]} */
  #key = [];
  /** Those that aren't of the key. @type {Column[]} */
  #columns = [];
  #heading = '';
  /** What had happened when it was drawn last. */
  #revision = 0;

  /**
   * @param {HTMLElement} table
   * @param {(key: Key) => void} choose called with the row that the reader wants to see whole
   * @param {(by: Sort['by'], name: string) => void} sortBy
   */
  constructor(table, choose, sortBy) {
    this.#table = table;
    this.#head = part(table, 'thead tr');
    this.#body = part(table, 'tbody');
    this.#head.addEventListener('click', ({ target }) => {
      const button = target instanceof Element ? target.closest('button') : null;
      const by = /** @type {Sort['by']} */ (button?.dataset.by);
      if (by) sortBy(by, button?.dataset.name ?? '');
    });
    this.#body.addEventListener('click', ({ target }) => this.#choose(target, choose));
    this.#body.addEventListener('keydown', (event) => this.#press(event, choose));
  }

  /**
   * @param {{ key: string[], columns: Column[], entries: Entry[], chosen: Key | null, sort: Sort,
   *   revision: number }} what rows in the order to show
   */
  draw({ key, columns, entries, chosen, sort, revision }) {
    this.#drawHead(key, columns);
    this.#drawSort(sort);
    this.#table.hidden = entries.length === 0;
    const news = entries.filter(({ mark }) => mark && mark.revision > this.#revision);
    const isCalm = news.length <= CALM_ROWS;
    /** @type {Map<Key, Drawn>} */
    const drawn = new Map();
    for (const entry of entries) {
      const known = this.#drawn.get(entry.key);
      const row = known ?? this.#newRow(entry);
      if (!known || !isSame(known.entry, entry)) this.#drawRow(row, entry, known?.entry, isCalm);
      row.tr.setAttribute('aria-selected', String(entry.key === chosen));
      drawn.set(entry.key, row);
    }
    this.#drawn = drawn;
    this.#revision = revision;
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
    this.#key = key;
    this.#columns = columns.filter(({ name }) => !key.includes(name));
    this.#drawn.clear();
    this.#head.replaceChildren(
      headCell('key', '', key.join(' · '), 'The key'),
      headCell('change', '', 'changed', 'When the row last changed, in your time'),
      ...this.#columns.map(({ name, type }) =>
        headCell('column', name, name, type, isNumeric(type)),
      ),
    );
  }

  /** @param {Sort} sort */
  #drawSort({ by, name, isDescending }) {
    for (const button of this.#head.querySelectorAll('button')) {
      const isIt = button.dataset.by === by && button.dataset.name === name;
      const direction = isDescending ? 'descending' : 'ascending';
      button.parentElement?.setAttribute('aria-sort', isIt ? direction : 'none');
    }
  }

  /**
   * @param {Entry} entry
   * @returns {Drawn}
   */
  #newRow(entry) {
    const name = element('span', '', identityText(this.#identityOf(entry)));
    const head = element('th', '', element('i', 'sign'), name, element('small'));
    head.scope = 'row';
    const when = element('td', 'when');
    const cells = this.#columns.map(() => element('td'));
    const tr = element('tr', '', head, when, ...cells);
    tr.dataset.key = String(entry.key);
    tr.tabIndex = -1;
    return { tr, head, when, cells, entry };
  }

  /** @param {Entry} entry */
  #identityOf({ row }) {
    return Object.fromEntries(this.#key.map((name) => [name, row[name]]));
  }

  /**
   * @param {Drawn} drawn
   * @param {Entry} entry
   * @param {Entry | undefined} before
   * @param {boolean} isCalm
   */
  #drawRow(drawn, entry, before, isCalm) {
    drawn.entry = entry;
    const { row, mark } = entry;
    const isNews = mark !== undefined && mark.revision > this.#revision;
    this.#drawChange(drawn, entry);
    if (isNews && isCalm) flash(drawn.tr);
    const isPatch = mark?.event === 'patched' || mark?.event === 'updated';
    const changed = new Set(isPatch ? mark.changed : []);
    this.#columns.forEach(({ name, type }, i) => {
      const cell = /** @type {HTMLElement} */ (drawn.cells[i]);
      if (!before || before.row[name] !== row[name]) drawCell(cell, valueOf(row[name], type), type);
      const isChanged = changed.has(name);
      cell.classList.toggle('changed', isChanged);
      if (isChanged && isNews && isCalm) flash(cell);
    });
  }

  /**
   * What happened to the row last.
   * @param {Drawn} drawn
   * @param {Entry} entry
   */
  #drawChange({ tr, head, when }, { mark, isGone }) {
    setText(part(head, '.sign'), mark ? signOf(mark) : '');
    setText(part(head, 'small'), mark ? causeWord(mark) : '');
    setText(when, mark ? clock(mark.at) : '');
    tr.dataset.event = mark && isGone === (mark.event === 'removed') ? mark.event : '';
    tr.dataset.cause = mark?.cause ?? '';
    tr.title = mark ? titleOf(mark) : '';
  }

  /** @param {EventTarget | null} target @param {(key: Key) => void} choose */
  #choose(target, choose) {
    const tr = target instanceof Element ? target.closest('tr') : null;
    for (const [key, drawn] of this.#drawn) if (drawn.tr === tr) choose(key);
  }

  /**
   * @param {KeyboardEvent} event
   * @param {(key: Key) => void} choose
   */
  #press(event, choose) {
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
      this.#choose(tr, choose);
    } else return;
    event.preventDefault();
  }
}

/**
 * @param {Entry} a
 * @param {Entry} b
 */
function isSame(a, b) {
  return a.row === b.row && a.mark === b.mark && a.isGone === b.isGone;
}

/**
 * @param {Sort['by']} by
 * @param {string} name
 * @param {string} text
 * @param {string} title
 * @param {boolean} [numeric]
 */
function headCell(by, name, text, title, numeric = false) {
  const button = element('button', '', text);
  button.type = 'button';
  button.dataset.by = by;
  button.dataset.name = name;
  const th = element('th', numeric ? 'number' : '', button);
  th.scope = 'col';
  th.title = `${title}: sorts the rows`;
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

/** @param {import('../recent.js').Mark} mark */
function titleOf(mark) {
  const { event, times, cause } = mark;
  const what = `${event}${times > 1 ? `, ${times} changes so far` : ''}`;
  return cause ? `${what}; the row ${causeOf(mark)}, which is neither new nor deleted` : what;
}
