// JSON laid out over lines, in colours.

import { element } from './dom.js';

/** Longer text is shown as it is … */
const COLOURED_CHARS = 50_000;
/** … and no more of it than this. */
const SHOWN_CHARS = 500_000;
const TOKENS = /("(?:[^"\\]|\\.)*")(?=(:)?)|-?\d[\d.eE+-]*|true|false|null/g;

/** @param {unknown} value */
export function layOut(value) {
  return JSON.stringify(value, null, 2);
}

/** @param {unknown} value */
export function sourceOf(value) {
  const text = layOut(value);
  if (text.length > SHOWN_CHARS) return element('pre', 'source', `${text.slice(0, SHOWN_CHARS)}…`);
  return element('pre', 'source', ...(text.length > COLOURED_CHARS ? [text] : coloured(text)));
}

/** @param {string} text */
function coloured(text) {
  /** @type {(string | Node)[]} */
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(TOKENS)) {
    parts.push(text.slice(end, match.index), element('span', kindOf(match), match[0]));
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}

/** @param {RegExpMatchArray} match */
function kindOf([token = '', string, colon]) {
  if (string !== undefined) return colon ? 'name' : 'string';
  return /^[-\d]/.test(token) ? 'number' : 'word';
}
