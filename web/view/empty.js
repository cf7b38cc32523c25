// What stands where there are no rows: why, and what to do.

import { reasonOf } from './status.js';
import { byId, element } from './dom.js';

/** @typedef {import('../feed.js').Connection} Connection */

/**
 * @typedef {{ title: string, text: string, code?: string }} Words
 * @typedef {{ phase: 'loading' } | { phase: 'failed', error: Error, hasToken: boolean }
 *   | { phase: 'ready', count: number }} Listing
 */

let drawn = '';

/** @param {Words | null} words */
export function drawEmpty(words) {
  const target = byId('empty');
  const asText = JSON.stringify(words);
  if (asText === drawn) return;
  drawn = asText;
  target.hidden = words === null;
  target.replaceChildren();
  if (!words) return;
  target.append(element('h2', '', words.title), element('p', '', words.text));
  if (words.code) target.append(element('pre', '', words.code));
}

/**
 * @param {Listing} listing
 * @param {Connection} connection
 * @param {{ name: string, known: boolean, keyed: boolean, where: string }} table
 * @param {import('../state.js').Subscribed | null} subscription
 * @returns {Words}
 */
export function whyEmpty(listing, connection, table, subscription) {
  if (listing.phase === 'failed') return failed(listing.error, listing.hasToken);
  if (connection.phase === 'closed' && connection.code === 4401) {
    return {
      title: 'Your token has ended',
      text: 'Nothing more is shown until there is a new one: paste it above.',
    };
  }
  if (connection.phase === 'closed') {
    return { title: 'Not connected', text: `${sentence(reasonOf(connection))}` };
  }
  if (listing.phase === 'loading') return { title: 'Loading the tables…', text: '' };
  if (listing.count === 0) return noTables();
  if (!table.known) {
    return {
      title: `There is no table “${table.name}” here`,
      text: 'Choose one of the tables in the list.',
    };
  }
  if (subscription?.phase === 'refused' && subscription.code === 'invalid_filter') {
    return { title: "The filter can't be used", text: 'Mend it above, or clear it with Escape.' };
  }
  if (subscription?.phase === 'refused') {
    return {
      title: `${table.name} can't be watched`,
      text: `${sentence(subscription.detail || 'no reason was given')} (${subscription.code})`,
    };
  }
  if (connection.phase === 'waiting') {
    return {
      title: 'Connection lost',
      text: `${sentence(reasonOf(connection))} It is tried again by itself.`,
    };
  }
  if (subscription?.phase !== 'ready') return { title: `Subscribing to ${table.name}…`, text: '' };
  return waiting(table);
}

/** @param {{ name: string, keyed: boolean, where: string }} table */
function waiting({ name, keyed, where }) {
  const now =
    'The list starts from now: a row shows up here as soon as it is created, changed or removed.';
  const keyless = ' The table has no key, so every change is a line of its own.';
  const filtered = ' Rows that the filter leaves out stay out, until a change brings them in.';
  const text = [now, where && filtered, !keyed && keyless].filter(Boolean).join('');
  return { title: `Waiting for changes in ${name}…`, text };
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
