// The page's HTTP requests.

/**
 * @typedef {{ name: string, type: string }} Column
 * @typedef {{ name: string, schema: string, key: string[] | null, columns: Column[] }} TableInfo
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
 * @returns {Promise<TableInfo[]>}
 */
export async function fetchTables() {
  const response = await fetch(address('v1/tables'), { headers: { accept: 'application/json' } });
  if (!response.ok) throw new Refused(response.status, await response.json().catch(() => ({})));
  return (await response.json()).tables;
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

/** @param {string} path relative to the page, which may be behind a proxy's prefix */
function address(path) {
  return new URL(path, document.baseURI);
}
