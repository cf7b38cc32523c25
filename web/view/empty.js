// What stands where there are no rows: why, and what to do.

import { reasonOf } from './status.js';
import { element } from './dom.js';

/**
 * @typedef {import('./status.js').Connection} Connection
 * @typedef {import('../panel.js').Panel} Panel
 * @typedef {{ title: string, text: string, code?: string }} Words
 * @typedef {{ phase: 'loading' } | { phase: 'failed', error: Error, hasToken: boolean }
 *   | { phase: 'ready', count: number }} Listing
 */

/**
 * @param {HTMLElement} target
 * @param {Words | null} words
 */
export function drawEmpty(target, words) {
  const asText = JSON.stringify(words);
  if (asText === target.dataset.drawn) return;
  target.dataset.drawn = asText;
  target.hidden = words === null;
  target.replaceChildren();
  if (!words) return;
  target.append(element('h2', '', words.title), element('p', '', words.text));
  if (words.code) target.append(element('pre', '', words.code));
}

/**
 * Why no table is shown.
 * @param {Listing} listing
 * @param {Connection} connection
 * @returns {Words}
 */
export function whyNoTable(listing, connection) {
  if (listing.phase === 'failed') return failed(listing.error, listing.hasToken);
  if (connection.status === 'closed') return closed(connection);
  if (listing.phase === 'loading') return { title: 'Loading the tables…', text: '' };
  return listing.count === 0 ? noTables() : { title: 'No table is open', text: 'Choose one.' };
}

/**
 * Why a table shows no rows.
 * @param {Panel} panel
 * @param {Connection} connection
 * @returns {Words}
 */
export function whyNoRows(panel, connection) {
  const { name, error } = panel;
  if (connection.status === 'closed') return closed(connection);
  if (error?.code === 'invalid_filter') {
    return { title: "The filter can't be used", text: 'Mend it above, or clear it with Escape.' };
  }
  if (error) {
    const why = sentence(error.detail || 'no reason was given');
    return { title: `${name} can't be shown`, text: `${why} (${error.code})` };
  }
  if (panel.since === null && connection.status === 'waiting') {
    const why = sentence(reasonOf(connection));
    return { title: 'Not connected', text: `${why} It is tried again by itself.` };
  }
  if (panel.since === null) return { title: `Reading ${name}…`, text: '' };
  return none(panel);
}

/** @param {Panel} panel */
function none({ name, isKeyed, where }) {
  if (!isKeyed) {
    const text =
      'The table has no key, so no copy of it can be kept: its changes are listed under Events.';
    return { title: `Waiting for changes in ${name}…`, text };
  }
  const filtered = 'None is what the filter asks for, among those that you may see.';
  const text = where ? filtered : 'There is none that you may see. One shows up when there is.';
  return { title: `No rows in ${name}`, text };
}

/**
 * @param {Connection} connection
 * @returns {Words}
 */
function closed(connection) {
  if (connection.error?.code === 'unauthenticated') {
    return {
      title: 'Your token has ended',
      text: 'Nothing more is shown until there is a new one: paste it above.',
    };
  }
  return { title: 'Not connected', text: sentence(reasonOf(connection)) };
}

/** @returns {Words} */
function noTables() {
  return {
    title: 'No tables to show',
    text:
      'A table is served once rowcast.toml lists it, to those whom its rows are for. Add one and ' +
      'start the daemon again:',
    code: '[[table]]\nname = "orders"\nrows = "true"',
  };
}

/**
 * @param {Error & { status?: number }} error
 * @param {boolean} hasToken
 * @returns {Words}
 */
function failed(error, hasToken) {
  if (error.status === 401 && hasToken) {
    return {
      title: 'The token was refused',
      text: `${sentence(error.message)} Paste another one above.`,
    };
  }
  if (error.status === 401) {
    return {
      title: 'You need to sign in',
      text:
        `${sentence(error.message)} This server admits no anonymous readers: paste a token ` +
        'above, or sign in where this site has its sign-in page, and load this page again.',
    };
  }
  if (error.status === 503) {
    return { title: 'The database is away', text: 'The page goes on by itself when it is back.' };
  }
  return {
    title: 'The tables could not be loaded',
    text: `${sentence(error.message)} It is tried again by itself.`,
  };
}

/** @param {string} text */
function sentence(text) {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(upper) ? upper : `${upper}.`;
}
