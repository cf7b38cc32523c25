// Mirrors in React, or what speaks its hooks. React is passed in: this file imports no package, so
// that browsers can load it from the daemon as it is.

import { stringify } from './json.js';
import { sharedMirror } from './shared.js';

/**
 * @typedef {import('./client.js').Client} Client
 * @typedef {import('./mirror.js').MirrorOptions} MirrorOptions
 * @typedef {import('./mirror.js').MirrorState} MirrorState
 *
 * @typedef {object} Hooks of React 18 or newer
 * @property {<T>(subscribe: (listener: () => void) => () => void, getSnapshot: () => T,
 *   getServerSnapshot?: () => T) => T} useSyncExternalStore
 * @property {<T>(factory: () => T, dependencies: readonly unknown[]) => T} useMemo
 */

/**
 * The hooks of this client: `const { useMirror } = forReact(React)`.
 * @param {Hooks} react
 */
export function forReact({ useMemo, useSyncExternalStore }) {
  /**
   * The rows that the reader may see of a table, with the mirror's status and error. Components
   * with equal options share a mirror, which is open while one of them is mounted.
   * @param {Client} client
   * @param {string} table
   * @param {MirrorOptions} [options] compared by value: it may be written in place
   * @returns {MirrorState}
   */
  function useMirror(client, table, options = {}) {
    const name = stringify([table, options]);
    const shared = useMemo(() => sharedMirror(client, table, options), [client, name]);
    return useSyncExternalStore(shared.watch, shared.state, shared.state);
  }
  return { useMirror };
}
