// Mirrors as TanStack DB collections: `createCollection(rowcastCollectionOptions({ … }))`.

import { keyOf } from './key.js';

/**
 * @typedef {import('./key.js').Row} Row
 * @typedef {import('./mirror.js').Change} Change
 * @typedef {import('./mirror.js').Mirror} Mirror
 *
 * @typedef {object} SyncParams what TanStack DB gives its collections' `sync`
 * @property {() => void} begin
 * @property {(message: { type: 'insert' | 'update' | 'delete', value: any }) => void} write
 * @property {() => unknown} commit
 * @property {() => void} markReady
 * @property {(error?: unknown) => void} [markError]
 *
 * @typedef {object} CollectionOptions
 * @property {import('./client.js').Client} client
 * @property {string} table
 * @property {string} [id] of the collection
 * @property {(row: any) => string | number} [getKey] by default the table's key, which is known
 *   when the first rows are
 */

/**
 * Options for `createCollection`. A transaction of the feed is one of the collection. What else is
 * given (`onInsert`, `schema`, …) is handed on.
 * @template {object} More
 * @param {CollectionOptions & import('./mirror.js').MirrorOptions & More} options
 */
export function rowcastCollectionOptions(options) {
  const { client, table, where, params, columns, coalesce, ...more } = options;
  /** @type {string[]} */
  let key = [];
  return {
    id: `rowcast:${table}:${where ?? ''}:${JSON.stringify(params?.map(String) ?? [])}`,
    getKey: (/** @type {any} */ row) => plainKey(key, row),
    ...more,
    sync: {
      rowUpdateMode: /** @type {const} */ ('full'),
      /** @param {SyncParams} collection */
      sync: (collection) => {
        const mirror = client.mirror(table, { where, params, columns, coalesce });
        mirror.subscribe((changes) => {
          key = mirror.key;
          write(collection, changes);
        });
        mirror.ready.then(collection.markReady, (error) => {
          if (error.code !== 'closed') collection.markError?.(error);
        });
        return () => mirror.close();
      },
    },
  };
}

/**
 * @param {SyncParams} collection
 * @param {Change[]} changes
 */
function write({ begin, write: put, commit }, changes) {
  begin();
  for (const { old, row } of netOf(changes)) {
    if (!row) put({ type: 'delete', value: old });
    else put({ type: old ? 'update' : 'insert', value: row });
  }
  commit();
}

/**
 * What became of each row in the end.
 * @param {Change[]} changes
 */
function netOf(changes) {
  /** @type {Map<import('./key.js').Key, { old: Row | null, row: Row | null }>} */
  const net = new Map();
  for (const { key, old, row } of changes) {
    net.set(key, { old: net.has(key) ? (net.get(key)?.old ?? null) : old, row });
  }
  return [...net.values()].filter(({ old, row }) => old || row);
}

/**
 * TanStack DB's keys are strings and numbers.
 * @param {string[]} key
 * @param {Row} row
 */
function plainKey(key, row) {
  const found = keyOf(key, row, 'string');
  return typeof found === 'number' ? found : String(found);
}
