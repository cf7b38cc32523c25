// The list of tables, and what is said about the chosen one.

import { hashOf } from '../address.js';
import { nameOf } from '../api.js';
import { arrange, byId, element, part, setText } from './dom.js';

/** @typedef {import('../api.js').TableInfo} TableInfo */

/**
 * @param {TableInfo[]} tables
 * @param {string} chosen
 * @param {Map<string, string>} filters by the table's name
 */
export function drawTables(tables, chosen, filters) {
  const list = part(byId('tables'), 'ul');
  const items = tables.map((table) => {
    const name = nameOf(table);
    const link = element('a', '', name);
    const where = filters.get(name);
    link.href = hashOf(name, where);
    link.title = where ? `${aboutTable(table)} · where ${where}` : aboutTable(table);
    link.classList.toggle('filtered', Boolean(where));
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
