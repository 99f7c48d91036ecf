/** A piece of WebAssembly's text format, with where it stands in the file. */
export type Node = List | Atom | Text;

export interface List {
  readonly kind: 'list';
  readonly items: readonly Node[];
  readonly start: number;
  /** Behind the closing parenthesis. */
  readonly end: number;
}

/** A word: a keyword, a name such as `$a`, a number. */
export interface Atom {
  readonly kind: 'atom';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** A string literal: its bytes, which need not be UTF-8. */
export interface Text {
  readonly kind: 'text';
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Deepest nesting of lists. No script of ours or others has more; a file of parentheses must not end the program. */
const MAX_DEPTH = 1000;

/** Reads a whole file. Throws an error that names the offset and what was expected. */
export function readNodes(text: string): Node[] {
  return new Reader(text).file();
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  file(): Node[] {
    const nodes = this.#nodes(0);
    if (this.#at < this.#text.length) throw this.#expected('the end of the file');
    return nodes;
  }

  #nodes(depth: number): Node[] {
    if (depth > MAX_DEPTH) throw this.#expected(`at most ${MAX_DEPTH} lists within each other`);
    const nodes: Node[] = [];
    for (;;) {
      this.#skip();
      const char = this.#text[this.#at];
      if (char === undefined || char === ')') return nodes;
      nodes.push(char === '(' ? this.#list(depth) : char === '"' ? this.#string() : this.#atom());
    }
  }

  #list(depth: number): List {
    const start = this.#at;
    this.#at += 1;
    const items = this.#nodes(depth + 1);
    if (this.#text[this.#at] !== ')') throw this.#expected(`")" for the "(" at ${start}`);
    this.#at += 1;
    return { kind: 'list', items, start, end: this.#at };
  }

  #atom(): Atom {
    const start = this.#at;
    const match = /[^\s()";]+(?:"(?:[^"\\]|\\.)*")?/y;
    match.lastIndex = start;
    const found = match.exec(this.#text);
    if (found === null) throw this.#expected('a word');
    this.#at += found[0].length;
    return { kind: 'atom', text: found[0], start, end: this.#at };
  }

  #string(): Text {
    const start = this.#at;
    const match = /"((?:[^"\\\n]|\\.)*)"/sy;
    match.lastIndex = start;
    const found = match.exec(this.#text);
    if (found === null) throw this.#expected('the end of a string');
    this.#at += found[0].length;
    return { kind: 'text', bytes: bytesOf(found[1]!), start, end: this.#at };
  }

  /** Steps over white space and comments, which may be nested. */
  #skip(): void {
    for (;;) {
      const rest = /\s*(?:;;[^\n]*)?/y;
      rest.lastIndex = this.#at;
      const skipped = rest.exec(this.#text)![0].length;
      this.#at += skipped;
      if (this.#text.startsWith('(;', this.#at)) this.#blockComment();
      else if (skipped === 0) return;
    }
  }

  #blockComment(): void {
    const start = this.#at;
    let depth = 0;
    do {
      if (this.#at >= this.#text.length) throw this.#expected(`";)" for the "(;" at ${start}`);
      const two = this.#text.slice(this.#at, this.#at + 2);
      if (two === '(;') depth += 1;
      if (two === ';)') depth -= 1;
      this.#at += two === '(;' || two === ';)' ? 2 : 1;
    } while (depth > 0);
  }

  #expected(what: string): Error {
    return new Error(
      `expected ${what} at offset ${this.#at}, got ${JSON.stringify(this.#text.slice(this.#at, this.#at + 20))}`,
    );
  }
}

const SIMPLE: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13, '"': 34, "'": 39, '\\': 92 };

function bytesOf(literal: string): Uint8Array {
  const encoder = new TextEncoder();
  const bytes: number[] = [];
  for (const [, plain, hex, unicode, simple] of literal.matchAll(
    /([^\\]+)|\\(?:([0-9a-fA-F]{2})|u\{([0-9a-fA-F_]+)\}|(.))/gs,
  )) {
    if (plain !== undefined) bytes.push(...encoder.encode(plain));
    else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else if (unicode !== undefined)
      bytes.push(...encoder.encode(String.fromCodePoint(Number.parseInt(unicode.replaceAll('_', ''), 16))));
    else if (SIMPLE[simple!] !== undefined) bytes.push(SIMPLE[simple!]!);
    else throw new Error(`expected an escape of WebAssembly's text format, got \\${simple}`);
  }
  return Uint8Array.from(bytes);
}

/** The text of a string literal that is UTF-8. */
export function textOf(node: Node | undefined): string {
  if (node?.kind !== 'text') throw new Error(`expected a string, got ${node === undefined ? 'nothing' : node.kind}`);
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(node.bytes);
}

/** The word of an atom; undefined for anything else. */
export function wordOf(node: Node | undefined): string | undefined {
  return node?.kind === 'atom' ? node.text : undefined;
}
