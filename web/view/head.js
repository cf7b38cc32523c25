// What stands around the rows: counts above, a notice if something happened to the whole table, a
// foot below.

import { byId, element, part, setText } from './dom.js';
import { clock } from './value.js';

/** @typedef {import('../state.js').Counts} Counts */

/** Counts that are left out while they are 0. @type {(keyof Counts)[]} */
const SELDOM = ['entered', 'left', 'truncated'];

/** Why a feed began anew, in words. @type {Record<string, string>} */
const REASONS = {
  cursor_expired: 'what was missed is no longer in the log',
  table_changed: 'the table was altered',
  identity_changed: 'what you may see has changed',
};

/**
 * Takes away what is about a table where there is none.
 * @param {boolean} isThere
 */
export function drawHead(isThere) {
  byId('head').hidden = !isThere;
}

/** @param {Counts} counts */
export function drawCounts(counts) {
  const target = byId('counts');
  for (const [name, count] of Object.entries(counts)) {
    const known = target.querySelector(`[data-count="${name}"]`);
    const text = count.toLocaleString('en');
    if (known) {
      setText(part(known, 'b'), text);
      continue;
    }
    const made = element('span', name, element('b', '', text), ` ${name}`);
    made.dataset.count = name;
    target.append(made);
  }
  for (const name of SELDOM) part(target, `[data-count="${name}"]`).hidden = counts[name] === 0;
}

/**
 * @param {import('../state.js').Notice | null} notice
 * @param {string} table
 */
export function drawNotice(notice, table) {
  const target = byId('notice');
  target.hidden = notice === null;
  if (!notice) return;
  target.dataset.kind = notice.kind;
  setText(part(target, 'span'), textOf(notice, table));
}

/**
 * @param {import('../state.js').Notice} notice
 * @param {string} table
 */
function textOf({ kind, at, reason }, table) {
  switch (kind) {
    case 'gap':
      return (
        `Connected again at ${clock(at)}. Changes made in between aren't listed; ` +
        'rows in grey may have changed.'
      );
    case 'reset':
      return (
        `The feed began anew at ${clock(at)}: ${REASONS[reason] ?? reason}. ` +
        'Changes may have been missed, ' +
        'so the list is empty.'
      );
    case 'fault':
      return `The server reported an error at ${clock(at)}: ${reason}`;
    case 'elsewhere':
      return `${reason} isn't there for this reader. It is shown again when it is.`;
    case 'truncated':
      return `All rows of ${table} were removed by TRUNCATE at ${clock(at)}.`;
  }
}

/**
 * @param {number} rows
 * @param {import('../state.js').Subscribed} subscription
 */
export function drawFoot(rows, subscription) {
  const isShown = rows > 0 && subscription.phase === 'ready';
  const since = subscription.phase === 'ready' ? clock(subscription.since) : '';
  const count = `${rows} ${rows === 1 ? 'row' : 'rows'}`;
  const text = `${count} changed since ${since}. Other rows aren't listed.`;
  setText(byId('foot'), isShown ? text : '');
}
