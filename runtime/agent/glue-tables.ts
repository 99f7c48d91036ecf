import { isShortAscii } from './packed-message.ts';

/** Under this name the glue finds how its tables are made and emptied. No component can import it: it is no WIT name. */
export const TABLES_IMPORT = 'cloudlet:tables$';

/** What a glue is given for its tables. */
export interface GlueTables {
  /** What holds the host's resources of one type, by numbers that are never given again before it is cleared. */
  captures(): Captures;
  /** Makes a table of handles what it is in a new instance, with the room that it has. */
  empty(handles: number[]): void;
  /** Whether a text is one that is sooner written character by character than given to the engine's encoder. */
  isShortAscii(text: string): boolean;
}

/** So many of one type are at hand without a `Map`: most invocations have fewer, and a `Map` that is filled and emptied again is made anew inside each time. */
const AT_HAND = 8;

/** Resources of the host that a guest holds, of one type. */
export class Captures {
  #count = 0;
  readonly #reps: number[] = new Array<number>(AT_HAND).fill(0);
  readonly #things: (object | undefined)[] = new Array<object | undefined>(AT_HAND).fill(undefined);
  /** Those beyond, and all that there are while some are beyond. */
  #more: Map<number, object> | null = null;

  get size(): number {
    return this.#more?.size ?? this.#count;
  }

  get(rep: number): object | undefined {
    if (this.#more !== null) return this.#more.get(rep);
    const reps = this.#reps;
    for (let at = 0; at < this.#count; at += 1) if (reps[at] === rep) return this.#things[at];
    return undefined;
  }

  set(rep: number, thing: object): void {
    if (this.#more === null && this.#count === AT_HAND) this.#overflow();
    if (this.#more !== null) {
      this.#more.set(rep, thing);
      return;
    }
    this.#reps[this.#count] = rep;
    this.#things[this.#count] = thing;
    this.#count += 1;
  }

  delete(rep: number): void {
    if (this.#more !== null) {
      this.#more.delete(rep);
      return;
    }
    const [reps, things] = [this.#reps, this.#things];
    for (let at = 0; at < this.#count; at += 1) {
      if (reps[at] !== rep) continue;
      this.#count -= 1;
      reps[at] = reps[this.#count]!;
      things[at] = things[this.#count];
      things[this.#count] = undefined;
      return;
    }
  }

  clear(): void {
    this.#more = null;
    for (let at = 0; at < this.#count; at += 1) this.#things[at] = undefined;
    this.#count = 0;
  }

  #overflow(): void {
    const more = new Map<number, object>();
    for (let at = 0; at < this.#count; at += 1) more.set(this.#reps[at]!, this.#things[at]!);
    this.clear();
    this.#more = more;
  }
}

/** What marks a place that is free, and the head of their list. */
const FREE = 1 << 30;

/** A longer table gives its room back, entries of two numbers. */
const KEPT_ENTRIES = 64;

/** What every glue is given. */
export const GLUE_TABLES: GlueTables = {
  captures: () => new Captures(),
  // The places that there are become free in the order in which a new table would make them, so that handles have the same numbers: to shorten
  // the array is a call of the engine's runtime, and to lengthen it again two.
  empty: (handles) => {
    const entries = handles.length >> 1;
    if (entries > KEPT_ENTRIES) handles.length = 2;
    else {
      for (let at = 2; at < handles.length; at += 2) {
        handles[at] = (at + 2 < handles.length ? (at >> 1) + 1 : 0) | FREE;
        handles[at + 1] = 0;
      }
    }
    handles[0] = (handles.length > 2 ? 1 : 0) | FREE;
    handles[1] = 0;
  },
  isShortAscii,
};

const HEAD = /^export (?:async )?function instantiate\([^)]*\) \{/m;

/** Gives a place of a table of handles back: what was never in it is refused like what is in it no more. */
const REMOVED = /\bif \(val === 0 \|\| \(scope & T_FLAG\) !== 0\) throw new TypeError\('Invalid handle'\);/;

/** Where a borrowed resource is noted, to be taken from who borrowed it when the call is over. */
const BORROWED = /^( *)(curResourceBorrows\.push\((rsc\d+)\);)$/gm;

/** Forgets what was noted. */
const FORGOTTEN = /^( *)(curResourceBorrows = \[\];)$/gm;

/** Where a text, or a list of bytes, is read from the guest's memory. */
const TEXT = /\blift\$\.utf8\(new Uint8Array\((memory\d+)\.buffer, (ptr\d+), (len\d+)\)\)/g;
const LIST = /\blift\$\.list8\(new Uint8Array\((memory\d+)\.buffer\), /g;

/** The view of a memory, made anew when that has grown. */
const VIEW = /^( *)const dataView = mem => dv\.buffer === mem\.buffer \? dv : dv = new DataView\(mem\.buffer\);$/m;

/** Where a text that is not empty is written to the guest's memory. */
const ENCODED = /^( *)let buf = utf8Encoder\.encode\(s\);$/m;

const SHORT_TEXT = [
  'if (tables$.isShortAscii(s)) {',
  '  const at = realloc(0, 0, 1, s.length);',
  '  const to = dataView(memory);',
  '  for (let i = 0; i < s.length; i++) to.setUint8(at + i, s.charCodeAt(i));',
  '  utf8EncodedLen = s.length;',
  '  return at;',
  '}',
];

/** An exported function that does nothing more when the guest has returned: who calls it waits for the guest as well. */
const ENTERING =
  /^( *)async (function \w+\([^)]*\) \{\n(?:(?!\1\}\n)(?!.*\bawait\b).*\n)*)(\1 {2})await (\w+\(.*\);\n\1\}\n)/gm;

/**
 * A glue that serves again with cheaper tables; null when it is of an unknown form. Its `Map`s of resources become `Captures`; a handle that is none is refused
 * whatever the table held before; only what was made for a call is noted as borrowed, since a resource of ours knows nothing of handles; and whether a memory has
 * grown is asked of the view, not of the memory, which makes a call into the engine of it; nor is the memory asked for its buffer. Short texts are written to the memory as they are.
 */
export function leanTables(glue: string): string | null {
  if (/\bhandleTable\d+ = \[/.test(glue) && !REMOVED.test(glue)) return null;
  // It finds the next free place wrongly, in a table that has had one: only a new table never has.
  if (glue.includes('rscTableCreateBorrow')) return null;
  const hasView = VIEW.test(glue);
  return glue
    .replace(ENCODED, (line, indent: string) =>
      hasView ? [...SHORT_TEXT, line.trim()].map((each) => indent + each).join('\n') : line,
    )
    .replace(ENTERING, '$1$2$3return $4')
    .replace(HEAD, (head) => `${head} const tables$ = imports['${TABLES_IMPORT}'];`)
    .replace(/^ {4}const (captureTable\d+)= new Map\(\);$/gm, '    const $1 = tables$$.captures();')
    .replace(REMOVED, "if (!val || (scope & T_FLAG) !== 0) throw new TypeError('Invalid handle');")
    .replace(BORROWED, '$1if ($3[symbolRscHandle]) $2')
    .replace(FORGOTTEN, '$1if (curResourceBorrows.length > 0) $2')
    .replace(TEXT, hasView ? 'lift$$.text8((dataView($1), dvBytes$$), $2, $3)' : '$&')
    .replace(LIST, hasView ? 'lift$$.list8((dataView($1), dvBytes$$), ' : '$&')
    .replace(
      VIEW,
      '$1let dvOf$, dvBytes$ = new Uint8Array(0);\n' +
        '$1const dataView = mem => {\n' +
        '$1  if (dvOf$ !== mem || dvBytes$.length === 0) { dvOf$ = mem; dvBytes$ = new Uint8Array(mem.buffer); dv = new DataView(mem.buffer); }\n' +
        '$1  return dv;\n$1};',
    );
}
