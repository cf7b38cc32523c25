// The page's HTTP requests. Tokens go into a header, never into an address.

/**
 * @typedef {{ name: string, type: string }} Column
 * @typedef {{ name: string, schema: string, key: string[] | null, columns: Column[] }} TableInfo
 * @typedef {Record<string, unknown>} Claims
 * @typedef {{ name: string, role: string, token: string, claims: Claims }} Identity one that the
 *   demo offers
 */

/** The server's answer to a request that it refused, in its own words. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {{ code?: string, title?: string, detail?: string }} problem
   */
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `the server answered ${status}`);
    this.status = status;
    this.code = problem.code ?? '';
  }
}

/**
 * The tables that this reader may see.
 * @param {string | null} token
 * @returns {Promise<TableInfo[]>}
 */
export async function fetchTables(token) {
  return (await fetchJson('v1/tables', token)).tables;
}

/**
 * Those as whom the demo's visitors may look around, with fresh tokens. Only the demo has them.
 * @returns {Promise<Identity[]>}
 */
export function fetchIdentities() {
  return fetchJson('demo/identities', null);
}

/** Where the WebSocket is. */
export function socketAddress() {
  const url = address('v1/ws');
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

/**
 * How subscriptions and addresses name a table.
 * @param {TableInfo} table
 */
export function nameOf({ schema, name }) {
  return schema === 'public' || name.startsWith(`${schema}.`) ? name : `${schema}.${name}`;
}

/**
 * @param {string} path
 * @param {string | null} token
 */
async function fetchJson(path, token) {
  /** @type {Record<string, string>} */
  const headers = { accept: 'application/json' };
  if (token !== null) headers.authorization = `Bearer ${token}`;
  const response = await fetch(address(path), { headers, cache: 'no-store' });
  if (!response.ok) throw new Refused(response.status, await response.json().catch(() => ({})));
  return response.json();
}

/** @param {string} path relative to the page, which may be behind a proxy's prefix */
function address(path) {
  return new URL(path, document.baseURI);
}
