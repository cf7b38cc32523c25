// What the page asks for beside the client: the demo's identities; and how tables are called.

/**
 * @typedef {import('./client/http.js').Table} TableInfo
 * @typedef {import('./client/subscription.js').Column} Column
 * @typedef {Record<string, unknown>} Claims
 * @typedef {{ name: string, role: string, token: string, claims: Claims }} Identity one that the
 *   demo offers
 */

/** Where the daemon is: beside the page, which may be behind a proxy's prefix. */
export function base() {
  return new URL('.', document.baseURI);
}

/**
 * Those as whom the demo's visitors may look around, with fresh tokens. Only the demo has them.
 * @returns {Promise<Identity[]>}
 */
export async function fetchIdentities() {
  const response = await fetch(new URL('demo/identities', base()), { cache: 'no-store' });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return response.json();
}

/**
 * How subscriptions and addresses name a table.
 * @param {{ schema: string, name: string }} table
 */
export function nameOf({ schema, name }) {
  return schema === 'public' || name.startsWith(`${schema}.`) ? name : `${schema}.${name}`;
}
