// What the address says after its `#`: the open tables, and the filter on each. Pure.

/** @typedef {{ table: string, where: string }} Place */

/** @param {Place[]} places */
export function hashOf(places) {
  const fields = places.map(({ table, where }) => {
    const filter = where ? `&where=${encodeURIComponent(where)}` : '';
    return `table=${encodeURIComponent(table)}${filter}`;
  });
  return `#${fields.join('&')}`;
}

/**
 * The tables that an address names, each once; none where it names none.
 * @param {string} hash
 * @returns {Place[]}
 */
export function readHash(hash) {
  const text = hash.replace(/^#/, '');
  if (text === '') return [];
  if (!text.includes('=')) return [{ table: decoded(text), where: '' }];
  /** @type {Map<string, Place>} */
  const places = new Map();
  let last = '';
  for (const [name, value] of text.split('&').map(divided)) {
    if (name === 'table') places.set((last = value), { table: value, where: '' });
    else if (name === 'where' && last) places.set(last, { table: last, where: value });
  }
  return [...places.values()];
}

/**
 * @param {string} field
 * @returns {[string, string]}
 */
function divided(field) {
  const at = field.indexOf('=');
  return at < 0 ? [field, ''] : [field.slice(0, at), decoded(field.slice(at + 1))];
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
