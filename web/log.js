// The events of all open tables, as they came. Bounded.

export const EVENTS_KEPT = 300;

/**
 * @typedef {import('./client/subscription.js').RowEvent} RowEvent
 * @typedef {{ number: number, event: RowEvent }} Numbered
 */

export class Log {
  /** The newest ones, oldest first. @type {Numbered[]} */
  events = [];
  /** How many there have been. */
  total = 0;

  /** @param {RowEvent[]} events */
  add(events) {
    const first = Math.max(0, events.length - EVENTS_KEPT);
    const kept = events.slice(first).map((event, i) => {
      return { number: this.total + first + i + 1, event };
    });
    this.total += events.length;
    this.events = [...this.events, ...kept].slice(-EVENTS_KEPT);
  }

  clear() {
    this.events = [];
  }

  /** @param {string} table whose events are no longer of interest */
  forget(table) {
    this.events = this.events.filter(({ event }) => event.table !== table);
  }
}
