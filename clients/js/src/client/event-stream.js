// Server-Sent Events, read from text:
// https://html.spec.whatwg.org/multipage/server-sent-events.html

/** @typedef {{ event: string, id: string | null, data: string }} Block */

/**
 * The stream's blocks; null for each part that ended none, so that its coming is known.
 * @param {AsyncIterable<string>} texts
 * @returns {AsyncGenerator<Block | null, void, undefined>}
 */
export async function* blocks(texts) {
  let rest = '';
  let block = empty();
  for await (const text of texts) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    yield null;
    for (const line of lines) {
      const bare = line.endsWith('\r') ? line.slice(0, -1) : line;
      if (bare === '') {
        if (block.data !== '' || block.id !== null) yield block;
        block = empty();
      } else addTo(block, bare);
    }
  }
}

/** @returns {Block} */
function empty() {
  return { event: 'message', id: null, data: '' };
}

/**
 * @param {Block} block
 * @param {string} line
 */
function addTo(block, line) {
  const colon = line.indexOf(':');
  if (colon === 0) return; // a comment
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
  if (name === 'data') block.data += block.data === '' ? value : `\n${value}`;
  else if (name === 'event') block.event = value;
  else if (name === 'id') block.id = value;
}
