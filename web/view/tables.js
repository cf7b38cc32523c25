// The list of tables: each is opened alone by its link, or beside the others by its button.

import { hashOf } from '../address.js';
import { nameOf } from '../api.js';
import { arrange, byId, element, part } from './dom.js';

/** @typedef {import('../api.js').TableInfo} TableInfo */

/** So many tables can be open at once. */
export const MAX_OPEN = 4;

/**
 * @param {TableInfo[]} tables
 * @param {import('../address.js').Place[]} open
 * @param {Map<string, string>} filters by the table's name, also of those that aren't open
 */
export function drawTables(tables, open, filters) {
  const list = part(byId('tables'), 'ul');
  const asText = JSON.stringify([tables, open, [...filters]]);
  if (list.dataset.drawn === asText) return;
  list.dataset.drawn = asText;
  const focused = document.activeElement?.getAttribute('data-beside');
  arrange(
    list,
    tables.map((table) => itemOf(table, open, filters.get(nameOf(table)) ?? '')),
  );
  if (focused) {
    const again = list.querySelector(`[data-beside="${CSS.escape(focused)}"]`);
    if (again instanceof HTMLElement) again.focus();
  }
  const [first] = list.querySelectorAll('[aria-current]');
  first?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

/** @param {TableInfo} table */
export function aboutTable({ schema, key, columns }) {
  const identified = key?.length ? `key ${key.join(', ')}` : 'no key';
  return `${schema} · ${columns.length} columns · ${identified}`;
}

/**
 * @param {TableInfo} table
 * @param {import('../address.js').Place[]} open
 * @param {string} where
 */
function itemOf(table, open, where) {
  const name = nameOf(table);
  const link = element('a', where ? 'filtered' : '', name);
  link.href = hashOf([{ table: name, where }]);
  link.title = where ? `${aboutTable(table)} · where ${where}` : aboutTable(table);
  const isOpen = open.some((place) => place.table === name);
  if (isOpen) link.setAttribute('aria-current', 'page');
  return element('li', '', link, besideOf(name, where, open, isOpen));
}

/**
 * @param {string} name
 * @param {string} where
 * @param {import('../address.js').Place[]} open
 * @param {boolean} isOpen
 */
function besideOf(name, where, open, isOpen) {
  const places = isOpen
    ? open.filter(({ table }) => table !== name)
    : [...open, { table: name, where }];
  const link = element('a', 'beside', isOpen ? '×' : '+');
  link.dataset.beside = name;
  const says = isOpen ? `Close ${name}` : `Show ${name} beside the others`;
  link.title = says;
  link.setAttribute('aria-label', says);
  link.href = hashOf(places);
  link.hidden = isOpen ? open.length < 2 : open.length >= MAX_OPEN;
  return link;
}
