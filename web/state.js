// What the page knows of one table: the rows that changed and the events that said so.
//
// Pure. Events gather in `draft` and become `shown` at the commit, all at once; only `shown` may
// reach the screen. Both are bounded, however many rows a transaction changes.

export const ROWS_KEPT = 200;
export const EVENTS_KEPT = 300;
/** How long a removed row stays in the list, struck out. */
export const REMOVED_SHOWN_MS = 6_000;
/** The draft may grow to this many times the bounds before it is cut back. */
const SLACK = 4;

/**
 * @typedef {import('./frame.js').RowEvent} RowEvent
 * @typedef {import('./frame.js').Cells} Cells
 * @typedef {import('./api.js').Column} Column
 *
 * @typedef {object} Row a row as the last event about it said
 * @property {string} id
 * @property {Cells} identity the key's columns; empty for a table that has no key
 * @property {Cells | null} cells null if the row was too large to send
 * @property {RowEvent} last
 * @property {number} revision the number of that event
 * @property {number} times how many events there were about it
 * @property {number | null} removedAt
 * @property {boolean} stale whether a gap in the feed came after that event
 *
 * @typedef {{ number: number, event: RowEvent }} Numbered
 * @typedef {{ kind: 'gap' | 'reset' | 'truncated' | 'fault' | 'elsewhere', at: number,
 *   reason: string }} Notice
 * @typedef {{ created: number, entered: number, patched: number, left: number, removed: number,
 *   truncated: number }} Counts `entered` and `left`: rows that came into view or left it
 *
 * @typedef {object} View
 * @property {Map<string, Row>} rows in the order in which they first appeared
 * @property {Numbered[]} events oldest first
 * @property {number} total how many events there were
 * @property {Counts} counts
 * @property {Notice | null} notice
 *
 * @typedef {{ phase: 'asked' } | { phase: 'ready', since: number }
 *   | { phase: 'refused', code: string, detail: string, position: number | undefined }} Subscribed
 *
 * @typedef {'place' | 'change'} Order how rows are listed: in their place, or by their last change
 *
 * @typedef {object} State
 * @property {string[]} key
 * @property {Column[]} columns
 * @property {Subscribed} subscription
 * @property {boolean} interrupted whether the connection was lost since the last `subscribed`
 * @property {View} shown
 * @property {View | null} draft
 */

/**
 * @param {{ key: string[] | null, columns: Column[] }} table
 * @returns {State}
 */
export function begin(table) {
  return {
    key: table.key ?? [],
    columns: table.columns,
    subscription: { phase: 'asked' },
    interrupted: false,
    shown: {
      rows: new Map(),
      events: [],
      total: 0,
      counts: { created: 0, entered: 0, patched: 0, left: 0, removed: 0, truncated: 0 },
      notice: null,
    },
    draft: null,
  };
}

/**
 * @param {State} state
 * @param {import('./feed.js').Message} message one about this table, or about the connection
 * @param {number} now
 * @returns {State}
 */
export function reduce(state, message, now) {
  switch (message.op) {
    case 'subscribed':
      return subscribed(state, message, now);
    case 'events':
      return { ...state, draft: gather(state, message.events, now) };
    case 'commit':
      return publish(state);
    case 'reset':
      return reset(state, message.reason, now);
    case 'lost':
      return { ...state, interrupted: true, draft: null };
    case 'error':
      return message.id === undefined ? faulty(state, message, now) : refused(state, message);
  }
}

/**
 * The state without the rows that have been shown as removed for long enough.
 * @param {State} state
 * @param {number} now
 */
export function sweep(state, now) {
  /** @param {Row} row */
  const isOver = (row) => row.removedAt !== null && row.removedAt + REMOVED_SHOWN_MS <= now;
  const { shown } = state;
  if (![...shown.rows.values()].some(isOver)) return state;
  const rows = new Map([...shown.rows].filter(([, row]) => !isOver(row)));
  return { ...state, shown: { ...shown, rows } };
}

/**
 * The state with empty lists; counts go on.
 * @param {State} state
 * @returns {State}
 */
export function clear(state) {
  return { ...state, shown: { ...state.shown, rows: new Map(), events: [], notice: null } };
}

/**
 * @param {State} state
 * @param {{ key: string[], columns: Column[] }} message
 * @param {number} now
 * @returns {State}
 */
function subscribed(state, { key, columns }, now) {
  const before = state.subscription;
  const again = before.phase === 'ready';
  return {
    key,
    columns,
    subscription: { phase: 'ready', since: again ? before.since : now },
    interrupted: false,
    shown: again && state.interrupted ? withGap(state.shown, now) : state.shown,
    draft: null,
  };
}

/**
 * Rows that nobody keeps up to date any more would only mislead.
 * @param {State} state
 * @param {{ code: string, detail: string, position: number | undefined }} message
 * @returns {State}
 */
function refused(state, { code, detail, position }) {
  const shown = { ...state.shown, rows: new Map() };
  const subscription = /** @type {Subscribed} */ ({ phase: 'refused', code, detail, position });
  return { ...state, subscription, shown, draft: null };
}

/**
 * An error that is about no subscription.
 * @param {State} state
 * @param {{ code: string, detail: string }} message
 * @param {number} now
 * @returns {State}
 */
function faulty(state, { code, detail }, now) {
  const notice = /** @type {Notice} */ ({ kind: 'fault', at: now, reason: detail || code });
  return { ...state, shown: { ...state.shown, notice } };
}

/**
 * @param {View} view
 * @param {number} now
 * @returns {View}
 */
function withGap(view, now) {
  const rows = new Map([...view.rows].map(([id, row]) => [id, { ...row, stale: true }]));
  return { ...view, rows, notice: { kind: 'gap', at: now, reason: '' } };
}

/**
 * @param {State} state
 * @param {RowEvent[]} events
 * @param {number} now
 * @returns {View}
 */
function gather(state, events, now) {
  const draft = state.draft ?? copyOf(state.shown);
  for (const event of events) {
    draft.total += 1;
    draft.counts[countOf(event)] += 1;
    draft.events.push({ number: draft.total, event });
    apply(draft, event, now);
  }
  bound(draft, SLACK);
  return draft;
}

/**
 * @param {RowEvent} event
 * @returns {keyof Counts}
 */
function countOf({ event, cause }) {
  if (cause === 'enter') return 'entered';
  if (cause === 'leave') return 'left';
  return event === 'updated' ? 'patched' : event;
}

/**
 * @param {View} view
 * @returns {View}
 */
function copyOf(view) {
  return {
    ...view,
    rows: new Map(view.rows),
    events: [...view.events],
    counts: { ...view.counts },
  };
}

/**
 * @param {View} draft
 * @param {RowEvent} event
 * @param {number} now
 */
function apply(draft, event, now) {
  if (event.event === 'truncated') {
    draft.rows.clear();
    draft.notice = { kind: 'truncated', at: now, reason: '' };
    return;
  }
  const id = event.key ? [...event.key.values()].join() : `#${draft.total}`;
  const before = draft.rows.get(id);
  draft.rows.set(id, {
    id,
    identity: event.key ?? new Map(),
    cells: event.data,
    last: event,
    revision: draft.total,
    times: (before?.times ?? 0) + 1,
    removedAt: event.event === 'removed' ? now : null,
    stale: false,
  });
  if (draft.rows.size > ROWS_KEPT * SLACK * 2) bound(draft, SLACK);
}

/**
 * @param {State} state
 * @returns {State}
 */
function publish(state) {
  if (!state.draft) return state;
  bound(state.draft, 1);
  return { ...state, shown: state.draft, draft: null };
}

/**
 * Cuts back to the newest events and the rows that changed last.
 * @param {View} draft
 * @param {number} slack
 */
function bound(draft, slack) {
  if (draft.events.length > EVENTS_KEPT * slack) {
    draft.events.splice(0, draft.events.length - EVENTS_KEPT);
  }
  if (draft.rows.size <= ROWS_KEPT * slack) return;
  const byAge = [...draft.rows.values()].sort((a, b) => a.revision - b.revision);
  for (const { id } of byAge.slice(0, byAge.length - ROWS_KEPT)) draft.rows.delete(id);
}

/**
 * @param {State} state
 * @param {string} reason
 * @param {number} now
 * @returns {State}
 */
function reset(state, reason, now) {
  const notice = /** @type {Notice} */ ({ kind: 'reset', at: now, reason });
  return { ...state, shown: { ...state.shown, rows: new Map(), notice }, draft: null };
}
