// Where the daemon is.

import { RowcastError } from './errors.js';

/**
 * What the daemon's paths are relative to.
 * @param {string | URL | undefined} given may have a path, where a proxy puts the daemon under one
 * @returns {URL}
 */
export function baseOf(given) {
  const here = globalThis.location?.href;
  const url = given ?? (here && new URL('/', here));
  if (!url) {
    const detail = 'url: there is no page whose origin could be meant';
    throw new RowcastError({ code: 'invalid_request', detail, fatal: true });
  }
  const base = new URL(url, here);
  base.protocol = base.protocol.replace(/^ws/, 'http');
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  base.search = '';
  base.hash = '';
  return base;
}
