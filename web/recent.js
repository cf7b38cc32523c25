// What has just happened in a table, as its mirror told: how often what, which rows changed how,
// and those that went. All of it is bounded. Pure: the caller says what time it is.

/** Of so many rows it is known how they changed last. */
export const MARKS_KEPT = 1_000;
/** So many rows that went are still shown … */
export const GONE_KEPT = 100;
/** … for so long. */
export const GONE_SHOWN_MS = 6_000;

/**
 * @typedef {import('./client/key.js').Key} Key
 * @typedef {import('./client/key.js').Row} Row
 * @typedef {import('./client/mirror.js').Change} Change
 *
 * @typedef {object} Mark how a row changed last
 * @property {Change['event']} event
 * @property {'enter' | 'leave' | undefined} cause
 * @property {string | number} at
 * @property {string[]} changed
 * @property {number} times how often it changed
 * @property {number} revision grows with every change
 *
 * @typedef {{ created: number, entered: number, patched: number, left: number,
 *   removed: number }} Counts
 */

export class Recent {
  /** @type {Counts} */
  counts = { created: 0, entered: 0, patched: 0, left: 0, removed: 0 };
  /** By key; what changed longest ago comes first. @type {Map<Key, Mark>} */
  marks = new Map();
  /** Rows that went. @type {Map<Key, { row: Row, until: number }>} */
  gone = new Map();
  revision = 0;

  /**
   * @param {Change[]} changes
   * @param {number} now
   */
  add(changes, now) {
    for (const change of changes) {
      this.counts[countOf(change)] += 1;
      this.#mark(change, now);
      this.#follow(change, now);
    }
    trim(this.marks, MARKS_KEPT);
    trim(this.gone, GONE_KEPT);
  }

  /**
   * Takes away the rows that went long enough ago.
   * @param {number} now
   */
  sweep(now) {
    for (const [key, { until }] of this.gone) if (until <= now) this.#forget(key);
  }

  /** Forgets which rows changed; counts go on. */
  clear() {
    this.marks.clear();
    this.gone.clear();
  }

  /**
   * @param {Change} change
   * @param {number} now
   */
  #mark({ event, key, row, old, by }, now) {
    const before = this.marks.get(key);
    this.revision += 1;
    this.marks.delete(key);
    this.marks.set(key, {
      event,
      cause: by?.cause,
      at: by?.at ?? now,
      changed: by ? (by.changed ?? []) : differing(old, row),
      times: (before?.times ?? 0) + 1,
      revision: this.revision,
    });
  }

  /**
   * @param {Change} change
   * @param {number} now
   */
  #follow({ event, key, old, by }, now) {
    if (event !== 'removed' || !old) this.gone.delete(key);
    else if (by?.event === 'truncated') this.#forget(key);
    else this.gone.set(key, { row: old, until: now + GONE_SHOWN_MS });
  }

  /** @param {Key} key */
  #forget(key) {
    this.gone.delete(key);
    this.marks.delete(key);
  }
}

/**
 * @param {Change} change
 * @returns {keyof Counts}
 */
function countOf({ event, by }) {
  if (event === 'removed') return by?.cause === 'leave' ? 'left' : 'removed';
  if (event === 'created') return by?.cause === 'enter' ? 'entered' : 'created';
  return 'patched';
}

/**
 * @param {Row | null} old
 * @param {Row | null} row
 */
function differing(old, row) {
  if (!old || !row) return [];
  const names = [...new Set([...Object.keys(old), ...Object.keys(row)])];
  return names.filter((name) => JSON.stringify(old[name]) !== JSON.stringify(row[name]));
}

/**
 * @param {Map<Key, unknown>} map
 * @param {number} most
 */
function trim(map, most) {
  for (const key of map.keys()) {
    if (map.size <= most) break;
    map.delete(key);
  }
}
