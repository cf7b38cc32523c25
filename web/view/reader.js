// Who reads: the switch between the demo's identities, or the field for a token; and what the
// server knows of the reader.

import { byId, element, part, setText } from './dom.js';
import { clock } from './value.js';

/**
 * @typedef {import('../api.js').Identity} Identity
 * @typedef {import('../api.js').Claims} Claims
 */

/** Claims that are times, in seconds; they are listed last. */
const TIMES = ['exp', 'nbf', 'iat'];
const SHOWN_CHARS = 200;
const NOBODY = 'Signed out';

/** The switch: one radio button for each identity, and one for nobody. */
export class Switch {
  #group = byId('switch');
  #drawn = '';

  /** @param {(name: string) => void} choose called with '' for nobody */
  constructor(choose) {
    this.#group.addEventListener('change', ({ target }) => {
      if (target instanceof HTMLInputElement) choose(target.value);
    });
  }

  /**
   * @param {Identity[]} identities none: there is nothing to choose from
   * @param {string} chosen
   */
  draw(identities, chosen) {
    this.#group.hidden = identities.length === 0;
    const names = identities.map(({ name, role }) => ({ value: name, name, role }));
    const choices = [...names, { value: '', name: NOBODY, role: 'anonymous' }];
    const asText = JSON.stringify(choices);
    if (asText !== this.#drawn) {
      this.#drawn = asText;
      part(this.#group, 'div').replaceChildren(...choices.map(choiceOf));
    }
    for (const input of this.#group.querySelectorAll('input')) {
      input.checked = input.value === chosen;
    }
  }
}

/** @param {{ value: string, name: string, role: string }} choice */
function choiceOf({ value, name, role }) {
  const input = element('input');
  input.type = 'radio';
  input.name = 'identity';
  input.value = value;
  const [first = '', ...others] = name === NOBODY ? [name] : name.split(' ');
  const rest = element('span', 'rest', ` ${others.join(' ')}`);
  const shown = element('b', '', first, rest);
  const label = element('label', '', input, shown, element('small', '', role));
  label.title = value ? `Read as ${name}, ${role}` : 'Read without a token';
  return label;
}

/** The field for a token. */
export class TokenField {
  #button = byId('token');
  #form = byId('token-form');
  #input = /** @type {HTMLInputElement} */ (part(this.#form, '[name="token"]'));
  #keep = /** @type {HTMLInputElement} */ (part(this.#form, '[name="keep"]'));
  #forget = part(this.#form, '[type="reset"]');

  /** @param {(token: string, isKept: boolean) => void} use called with '' for none */
  constructor(use) {
    this.#button.addEventListener('click', () => this.#open(this.#form.hidden));
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#open(false);
      use(bare(this.#input.value), this.#keep.checked);
      this.#input.value = '';
    });
    this.#form.addEventListener('reset', () => {
      this.#open(false);
      use('', false);
    });
    this.#form.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.#open(false);
      this.#button.focus();
    });
  }

  /**
   * @param {boolean} isOffered
   * @param {boolean} isInUse whether there is a token
   */
  draw(isOffered, isInUse) {
    this.#button.hidden = !isOffered;
    this.#forget.hidden = !isInUse;
    setText(this.#button, isInUse ? 'New token' : 'Token…');
    if (!isOffered) this.#open(false);
  }

  /** Opens the field: without a token nothing goes on. */
  ask() {
    if (this.#form.hidden) this.#open(true);
  }

  /** @param {boolean} isOpen */
  #open(isOpen) {
    this.#form.hidden = !isOpen;
    this.#button.setAttribute('aria-expanded', String(isOpen));
    if (isOpen) this.#input.focus();
  }
}

/**
 * A token without what it is often copied with.
 * @param {string} text
 */
function bare(text) {
  return text.trim().replace(/^(authorization:\s*)?bearer\s+/i, '');
}

/**
 * Shows what the server said of the reader.
 * @param {Claims | null} claims null while that isn't known
 */
export function drawClaims(claims) {
  const target = byId('claims');
  target.hidden = claims === null;
  if (!claims) return;
  const entries = Object.entries(claims).sort(([a], [b]) => TIMES.indexOf(a) - TIMES.indexOf(b));
  const list = entries.map(([name, value]) => {
    const text = claimText(name, value);
    const shown = element('dd', '', text);
    shown.title = text;
    return element('div', '', element('dt', '', name), shown);
  });
  const asText = JSON.stringify(claims);
  if (target.dataset.claims === asText) return;
  target.dataset.claims = asText;
  setText(part(target, 'p'), entries.length ? '' : 'Nobody in particular: no token was shown.');
  part(target, 'dl').replaceChildren(...list);
  drawName(claims);
}

/** @param {Claims} claims */
function drawName({ name, sub }) {
  const target = byId('identity');
  setText(target, String(name ?? sub ?? 'anonymous'));
  target.title = 'As whom the server knows you';
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function claimText(name, value) {
  if (TIMES.includes(name) && typeof value === 'number') return clock(value * 1000);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}
