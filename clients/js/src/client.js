// rowcast's client for JavaScript. Browsers can import it from the daemon: `/client.js`.

import { Client } from './client/client.js';

export { Client } from './client/client.js';
export { RowcastError } from './client/errors.js';
export { Mirror } from './client/mirror.js';
export { Feed } from './client/feed.js';

/**
 * Connects to a daemon, and comes back by itself whenever the connection is lost.
 * @param {import('./client/client.js').ConnectOptions} [options]
 */
export function connect(options = {}) {
  return new Client(options);
}
