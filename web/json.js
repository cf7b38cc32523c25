// Reads JSON without losing anything: a value that isn't taken apart stays the text that it was.
//
// JSON.parse rounds a bigint beyond 2^53, drops the zero of 12.50 and the first of two equal names.
// Here the caller takes the outer layers apart and keeps what is inside as source text; it is
// decoded only where it is shown.

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** What is nested deeper than this stays on one line when laid out. */
const DEEPEST_INDENT = 60;

/** A place in a JSON text; every method reads one value and moves behind it. */
export class Reader {
  #text;
  #at = 0;

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
  }

  /**
   * Reads an object. `member` is called with each name and must read the value.
   * @param {(name: string) => void} member
   */
  object(member) {
    this.#sequence(OPEN_BRACE, CLOSE_BRACE, () => {
      const name = this.string();
      this.#expect(COLON);
      member(name);
    });
  }

  /**
   * Reads an array. `element` is called for each value and must read it.
   * @param {() => void} element
   */
  array(element) {
    this.#sequence(OPEN_BRACKET, CLOSE_BRACKET, element);
  }

  /** Reads a string, decoded. */
  string() {
    if (this.peek() !== '"') this.#fail();
    const source = this.raw();
    return source.includes('\\') ? JSON.parse(source) : source.slice(1, -1);
  }

  /** Reads any value the way JSON.parse does, with its losses. */
  value() {
    return JSON.parse(this.raw());
  }

  /** Reads any value as its source text. */
  raw() {
    const start = this.#space();
    let depth = 0;
    do {
      const code = this.#text.charCodeAt(this.#space());
      if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1;
      if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1;
      if (code === QUOTE) this.#skipString();
      else if (isPunctuation(code)) this.#at += 1;
      else this.#skipWord();
    } while (depth > 0);
    return this.#text.slice(start, this.#at);
  }

  /** The first character of the next value: `{`, `[`, `"`, a digit, a sign or a letter. */
  peek() {
    return this.#text.charAt(this.#space());
  }

  /** Where the next value begins, for `since`. */
  mark() {
    return this.#space();
  }

  /**
   * The source text read since a mark.
   * @param {number} mark
   */
  since(mark) {
    return this.#text.slice(mark, this.#at);
  }

  /**
   * @param {number} open
   * @param {number} close
   * @param {() => void} item
   */
  #sequence(open, close, item) {
    this.#expect(open);
    if (this.#text.charCodeAt(this.#space()) === close) {
      this.#at += 1;
      return;
    }
    for (;;) {
      item();
      const code = this.#text.charCodeAt(this.#space());
      if (code === close) break;
      this.#expect(COMMA);
    }
    this.#at += 1;
  }

  /** @param {number} code */
  #expect(code) {
    if (this.#text.charCodeAt(this.#space()) !== code) this.#fail();
    this.#at += 1;
  }

  #space() {
    const text = this.#text;
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return this.#at;
      this.#at += 1;
    }
  }

  #skipString() {
    let from = this.#at + 1;
    for (;;) {
      const quote = this.#text.indexOf('"', from);
      if (quote < 0) this.#fail();
      let first = quote;
      while (first > from && this.#text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
      from = quote + 1;
      if ((quote - first) % 2 === 0) break;
    }
    this.#at = from;
  }

  #skipWord() {
    const start = this.#at;
    while (isWord(this.#text.charCodeAt(this.#at))) this.#at += 1;
    if (this.#at === start) this.#fail();
  }

  /** @returns {never} */
  #fail() {
    throw new SyntaxError(`not JSON at character ${this.#at}`);
  }
}

/** @param {number} code */
function isPunctuation(code) {
  return (
    code === COMMA ||
    code === COLON ||
    code === OPEN_BRACE ||
    code === CLOSE_BRACE ||
    code === OPEN_BRACKET ||
    code === CLOSE_BRACKET
  );
}

/**
 * Letters, digits, signs and dots: numbers, true, false, null.
 * @param {number} code
 */
function isWord(code) {
  return (
    (code >= 48 && code <= 57) ||
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    code === 43 ||
    code === 45 ||
    code === 46
  );
}

/**
 * @typedef {{ kind: 'name' | 'string' | 'number' | 'word' | 'mark' | 'space', text: string }} Token
 */

/**
 * The source text cut into tokens, laid out over lines; every token's own text is kept as it was.
 * @param {string} source
 * @returns {Token[]}
 */
export function layOut(source) {
  /** @type {Token[]} */
  const out = [];
  write(new Reader(source), '', out);
  return out;
}

/**
 * @param {Reader} reader
 * @param {string} indent
 * @param {Token[]} out
 */
function write(reader, indent, out) {
  const opening = reader.peek();
  if ((opening !== '{' && opening !== '[') || indent.length > DEEPEST_INDENT) {
    const text = reader.raw();
    out.push({ kind: scalarKind(text), text });
    return;
  }
  const deeper = `${indent}  `;
  let count = 0;
  const item = () => {
    if (count > 0) out.push({ kind: 'mark', text: ',' });
    out.push({ kind: 'space', text: `\n${deeper}` });
    count += 1;
  };
  const isObject = opening === '{';
  out.push({ kind: 'mark', text: isObject ? '{' : '[' });
  if (isObject) {
    reader.object((name) => {
      item();
      out.push({ kind: 'name', text: JSON.stringify(name) }, { kind: 'mark', text: ': ' });
      write(reader, deeper, out);
    });
  } else {
    reader.array(() => {
      item();
      write(reader, deeper, out);
    });
  }
  if (count > 0) out.push({ kind: 'space', text: `\n${indent}` });
  out.push({ kind: 'mark', text: isObject ? '}' : ']' });
}

/**
 * @param {string} text
 * @returns {Token['kind']}
 */
function scalarKind(text) {
  if (text.startsWith('"')) return 'string';
  return /^[-\d]/.test(text) ? 'number' : 'word';
}
