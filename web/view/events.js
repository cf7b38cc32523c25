// The events as they came, newest first; each opens to its JSON.

import { arrange, byId, element, setText } from './dom.js';
import { sourceOf } from './source.js';
import { causeOf, clock, identityText, signOf } from './value.js';

/** @typedef {import('../log.js').Numbered} Numbered */

const EVENTS_DRAWN = 150;

/** The list, which can be held still. */
export class EventList {
  #list = byId('events');
  #button = byId('pause');
  #kept = byId('kept');
  /** @type {Map<number, HTMLElement>} */
  #items = new Map();
  /** The number of the newest event when the list was held. @type {number | null} */
  #heldAt = null;
  #total = 0;
  #drawn = -1;

  /** @param {() => void} changed asks for a drawing */
  constructor(changed) {
    this.#button.addEventListener('click', () => {
      this.#hold(this.#heldAt === null);
      changed();
    });
    this.#list.addEventListener(
      'toggle',
      ({ target }) => {
        if (!(target instanceof HTMLDetailsElement) || !target.open) return;
        if (this.#heldAt === null) this.#hold(true);
        changed();
      },
      { capture: true },
    );
  }

  /** Forgets what is drawn: another table's events follow. */
  restart() {
    this.#items.clear();
    this.#list.replaceChildren();
    this.#drawn = -1;
    this.#hold(false);
  }

  /**
   * @param {Numbered[]} events oldest first
   * @param {number} total
   */
  draw(events, total) {
    this.#total = total;
    this.#drawHeader(total, events.length);
    if (this.#heldAt !== null) return;
    const newest = events.at(-1)?.number ?? 0;
    if (newest === this.#drawn) return;
    this.#drawn = newest;
    this.#drawItems(events.slice(-EVENTS_DRAWN).reverse());
  }

  /** @param {Numbered[]} events newest first */
  #drawItems(events) {
    /** @type {Map<number, HTMLElement>} */
    const items = new Map();
    for (const numbered of events) {
      items.set(numbered.number, this.#items.get(numbered.number) ?? eventItem(numbered));
    }
    this.#items = items;
    const none = element('li', 'none', 'None yet.');
    arrange(this.#list, items.size > 0 ? [...items.values()] : [none]);
    markTransactions(events, items);
  }

  /** @param {boolean} held */
  #hold(held) {
    this.#heldAt = held ? this.#total : null;
    this.#button.setAttribute('aria-pressed', String(held));
    setText(this.#button, held ? 'Resume' : 'Pause');
  }

  /**
   * @param {number} total
   * @param {number} kept
   */
  #drawHeader(total, kept) {
    if (this.#heldAt !== null) {
      const more = total - this.#heldAt;
      setText(this.#kept, more > 0 ? `held, ${more.toLocaleString('en')} new` : 'held');
    } else {
      const left = total > EVENTS_DRAWN && kept > 0;
      setText(this.#kept, left ? `the last ${EVENTS_DRAWN} of ${total.toLocaleString('en')}` : '');
    }
  }
}

/** @param {Numbered} numbered */
function eventItem({ event, number }) {
  const subject = event.key ? identityText(event.key) : '';
  const what = element('span', `what ${event.cause ?? ''}`, whatChanged(event));
  const summary = element(
    'summary',
    '',
    element('time', '', clock(event.at)),
    element('span', `kind ${event.event}`, event.event),
    element('span', 'table', event.table),
    element('b', '', subject),
    what,
  );
  const details = element('details', '', summary);
  details.addEventListener('toggle', () => {
    if (details.open && details.children.length === 1) details.append(sourceOf(event));
  });
  const item = element('li', '', details);
  item.dataset.number = String(number);
  return item;
}

/** @param {import('../log.js').RowEvent} event */
function whatChanged(event) {
  const parts = [event.changed?.join(', ')];
  if (event.cause) parts.push(`${signOf(event)} ${causeOf(event)}`);
  if (event.oversize) parts.push('too large to send');
  return parts.filter(Boolean).join(' · ');
}

/**
 * Events of one transaction aren't divided by lines.
 * @param {Numbered[]} events newest first
 * @param {Map<number, HTMLElement>} items
 */
function markTransactions(events, items) {
  events.forEach(({ number, event }, i) => {
    const older = events[i + 1];
    items.get(number)?.classList.toggle('same', older?.event.tx === event.tx);
  });
}
