// An open table on the page: its head with the filter, its grid, and what stands around them.

import { arrange, byId, element, part, setText } from './dom.js';
import { drawEmpty, whyNoRows } from './empty.js';
import { FilterBox } from './filter.js';
import { Grid } from './grid.js';
import { aboutTable } from './tables.js';
import { clock } from './value.js';

/**
 * @typedef {import('../panel.js').Panel} Panel
 * @typedef {import('../client/key.js').Key} Key
 * @typedef {import('./status.js').Connection} Connection
 * @typedef {import('../recent.js').Counts} Counts
 */

/** Counts that are left out while they are 0. @type {(keyof Counts)[]} */
const SELDOM = ['entered', 'left'];
/** @type {Record<Panel['status'], string>} */
const STATUS = {
  syncing: 'Reading…',
  live: 'Live',
  stale: 'Stale',
  error: 'Ended',
  closed: 'Closed',
};
const CATCHING_UP = 'Catching up…';

export class PanelView {
  panel;
  element;
  #grid;
  #filter;
  /** @type {string | null} */
  #where = null;

  /**
   * @param {Panel} panel
   * @param {(key: Key) => void} choose
   */
  constructor(panel, choose) {
    this.panel = panel;
    const template = /** @type {HTMLTemplateElement} */ (byId('panel'));
    const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    this.element = /** @type {HTMLElement} */ (copy.firstElementChild);
    this.element.setAttribute('aria-label', panel.name);
    this.element.dataset.table = panel.name;
    part(this.element, '.rows').setAttribute('aria-label', `Rows of ${panel.name}`);
    this.#grid = new Grid(part(this.element, 'table'), choose, (by, name) =>
      panel.sortBy(by, name),
    );
    this.#filter = new FilterBox(part(this.element, '.filter'), panel.name, (where) =>
      panel.filter(where),
    );
    part(this.element, '.more').addEventListener('click', () => panel.showMore());
    part(this.element, '.notice button').addEventListener('click', () => {
      panel.notice = null;
      this.#drawNotice();
    });
    setText(part(this.element, 'h2'), panel.name);
    setText(part(this.element, '.about'), aboutTable(panel.info));
  }

  /**
   * @param {Connection} connection
   * @param {Key | null} chosen
   */
  draw(connection, chosen) {
    const { panel } = this;
    const entries = panel.entries();
    if (this.#where !== panel.where) this.#filter.show(panel.where);
    this.#where = panel.where;
    this.#filter.drawFault(panel.fault);
    this.#drawStatus();
    this.#drawCounts();
    this.#drawNotice();
    const { key, columns, sort, recent } = panel;
    this.#grid.draw({ key, columns, entries, chosen, sort, revision: recent.revision });
    const why = entries.length > 0 ? null : whyNoRows(panel, connection);
    drawEmpty(part(this.element, '.empty'), why);
    this.#drawFoot(entries.filter(({ isGone }) => !isGone).length);
  }

  #drawStatus() {
    const { status, since } = this.panel;
    this.element.dataset.status = status;
    const badge = part(this.element, '.status');
    setText(badge, status === 'syncing' && since !== null ? CATCHING_UP : STATUS[status]);
    badge.title =
      status === 'stale' ? 'The rows are as they were when the connection was lost' : '';
  }

  #drawCounts() {
    const target = part(this.element, '.counts');
    const { counts } = this.panel.recent;
    if (target.childElementCount === 0) {
      const made = Object.keys(counts).map((name) =>
        element('span', name, element('b'), ` ${name}`),
      );
      arrange(target, made);
    }
    Object.entries(counts).forEach(([name, count], i) => {
      const shown = /** @type {HTMLElement} */ (target.children[i]);
      setText(part(shown, 'b'), count.toLocaleString('en'));
      shown.hidden = count === 0 && SELDOM.includes(/** @type {keyof Counts} */ (name));
    });
  }

  #drawNotice() {
    const target = part(this.element, '.notice');
    target.hidden = this.panel.notice === null;
    setText(part(target, 'span'), this.panel.notice ?? '');
  }

  /** @param {number} drawn how many rows are listed */
  #drawFoot(drawn) {
    const { size, since, canShowMore } = this.panel;
    const count = `${size.toLocaleString('en')} ${size === 1 ? 'row' : 'rows'}`;
    const part1 =
      drawn < size ? `${count}, the first ${drawn.toLocaleString('en')} of them listed` : count;
    const text = since === null || size === 0 ? '' : `${part1}; watched since ${clock(since)}`;
    setText(part(this.element, '.foot span'), text);
    part(this.element, '.more').hidden = !canShowMore;
    part(this.element, '.foot').hidden = text === '';
  }
}
