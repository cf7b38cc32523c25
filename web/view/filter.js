// The filter box: Enter applies, Escape clears, and a fault is shown at its character.

import { element, part, setText } from './dom.js';

/** @typedef {{ where: string, detail: string, position: number | undefined }} Fault */

/** The box. */
export class FilterBox {
  #form;
  #input;
  #clear;
  #fault;
  #applied = '';
  #apply;

  /**
   * @param {HTMLElement} form
   * @param {string} name what makes it known among others
   * @param {(where: string) => void} apply called with '' where there is to be no filter
   */
  constructor(form, name, apply) {
    this.#form = form;
    this.#input = /** @type {HTMLInputElement} */ (part(form, 'input'));
    this.#clear = part(form, '[type="reset"]');
    this.#fault = part(form, '.fault');
    this.#fault.id = `fault-${name}`;
    this.#input.setAttribute('aria-describedby', this.#fault.id);
    this.#apply = apply;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      apply(this.#input.value.trim());
    });
    this.#form.addEventListener('reset', (event) => {
      event.preventDefault();
      this.#empty();
      this.#input.focus();
    });
    this.#form.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.#isInUse) return;
      event.stopPropagation();
      this.#empty();
    });
    this.#input.addEventListener('input', () => this.#mark());
  }

  /**
   * Shows what is in force.
   * @param {string} where
   */
  show(where) {
    this.#applied = where;
    this.#input.value = where;
    this.drawFault(null);
    this.#mark();
  }

  /** @param {Fault | null} fault */
  drawFault(fault) {
    this.#fault.hidden = fault === null;
    this.#input.setAttribute('aria-invalid', String(fault !== null));
    if (!fault) return;
    const [before, at, after] = around(fault.where, fault.position);
    const place = fault.position === undefined ? '' : `Character ${fault.position}: `;
    setText(part(this.#fault, 'span'), `${place}${fault.detail}`);
    const marked = element('mark', at === '' ? 'end' : '', at || ' ');
    part(this.#fault, 'code').replaceChildren(before, marked, after);
    const isUntouched = this.#input.value === fault.where;
    if (isUntouched && document.activeElement === this.#input) {
      this.#input.setSelectionRange(before.length, before.length + at.length);
    }
  }

  get #isInUse() {
    return this.#input.value !== '' || this.#applied !== '' || !this.#fault.hidden;
  }

  #empty() {
    this.#input.value = '';
    this.drawFault(null);
    this.#mark();
    if (this.#applied !== '') this.#apply('');
  }

  /** Tells what is in force from what is only written. */
  #mark() {
    const isApplied = this.#applied !== '' && this.#input.value.trim() === this.#applied;
    this.#form.toggleAttribute('data-applied', isApplied);
    this.#clear.hidden = !this.#isInUse;
  }
}

/**
 * A text cut around its character at a position, which is counted from 1 in whole characters.
 * @param {string} text
 * @param {number | undefined} position
 * @returns {[string, string, string]}
 */
export function around(text, position) {
  if (position === undefined) return [text, '', ''];
  const characters = [...text];
  const at = Math.max(position - 1, 0);
  const [before, after] = [characters.slice(0, at), characters.slice(at + 1)];
  return [before.join(''), characters[at] ?? '', after.join('')];
}
