// The list of tables, and what is said about the chosen one.

import { nameOf } from '../api.js';
import { arrange, byId, element, part, setText } from './dom.js';

/** @typedef {import('../api.js').TableInfo} TableInfo */

/** @param {string} name */
export function hashOf(name) {
  return `#table=${encodeURIComponent(name)}`;
}

/**
 * The table that an address names, or '' if it names none.
 * @param {string} hash
 */
export function tableIn(hash) {
  const text = hash.replace(/^#/, '');
  if (text.includes('=')) return new URLSearchParams(text).get('table') ?? '';
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * @param {TableInfo[]} tables
 * @param {string} chosen
 */
export function drawTables(tables, chosen) {
  const list = part(byId('tables'), 'ul');
  const items = tables.map((table) => {
    const name = nameOf(table);
    const link = element('a', '', name);
    link.href = hashOf(name);
    link.title = aboutTable(table);
    if (name === chosen) link.setAttribute('aria-current', 'page');
    return element('li', '', link);
  });
  arrange(list, items);
  list.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

/** @param {TableInfo | undefined} table */
export function drawTitle(table) {
  setText(byId('title'), table ? nameOf(table) : 'rowcast');
  setText(byId('about'), table ? aboutTable(table) : '');
  document.title = table ? `${nameOf(table)} · rowcast` : 'rowcast';
}

/** @param {TableInfo} table */
function aboutTable({ schema, key, columns }) {
  const identified = key?.length ? `key ${key.join(', ')}` : 'no key';
  return `${schema} · ${columns.length} columns · ${identified}`;
}
