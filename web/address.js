// What the address says after its `#`: the table, and the filter on it. Pure.

/**
 * @param {string} table
 * @param {string} [where]
 */
export function hashOf(table, where = '') {
  const filter = where ? `&where=${encodeURIComponent(where)}` : '';
  return `#table=${encodeURIComponent(table)}${filter}`;
}

/**
 * The table and the filter that an address names, '' where it names none.
 * @param {string} hash
 */
export function readHash(hash) {
  const text = hash.replace(/^#/, '');
  if (!text.includes('=')) return { table: decoded(text), where: '' };
  const fields = new Map(text.split('&').map((field) => divided(field)));
  return { table: fields.get('table') ?? '', where: fields.get('where') ?? '' };
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
