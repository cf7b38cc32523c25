// Mirrors as stores: the contract that Svelte's `$store` and Vue's and RxJS's adapters understand.

import { sharedMirror } from './shared.js';

/**
 * A store whose value is `{ rows, status, error }`. The mirror is open while somebody subscribes;
 * equal ones of a client are one.
 * @param {import('./client.js').Client} client
 * @param {string} table
 * @param {import('./mirror.js').MirrorOptions} [options]
 */
export function mirrorStore(client, table, options = {}) {
  return {
    /**
     * @param {(state: import('./mirror.js').MirrorState) => void} run called at once, and whenever
     *   something changed
     * @returns {() => void} ends it
     */
    subscribe(run) {
      const shared = sharedMirror(client, table, options);
      const off = shared.watch(() => run(shared.state()));
      run(shared.state());
      return off;
    },
  };
}
