/** Longest name that is read, characters: guests choose theirs. */
const MAX_NAME = 2000;
/** Deepest nesting of a mangled name, and most steps: back references could make a short name a long one. */
const MAX_DEPTH = 64;
const MAX_STEPS = 2000;

/**
 * A function's name as its author wrote it: without the module's name and the hash of a build, with Rust's mangling (v0) undone, generic
 * arguments left out. What cannot be read is given as it is.
 */
export function readableName(name: string): string {
  const plain = name.slice(0, MAX_NAME).replace(/^[\w.-]+\.wasm\./, '');
  if (/^_R[A-Z]/.test(plain)) return rustName(plain) ?? plain;
  return (/^_ZN\d/.test(plain) ? nestedName(plain) : plain)
    .replace(/::h[0-9a-f]{16}$/, '')
    .replaceAll(
      /std::__\w+::basic_string<char, std::__\w+::char_traits<char>, std::__\w+::allocator<char>\s*>/g,
      'std::string',
    )
    .replaceAll(/std::__\d+::/g, 'std::');
}

/** Rust's older names, which are those of C++ for names in names: `_ZN4main4pick17h…E`. */
function nestedName(mangled: string): string {
  const parts: string[] = [];
  let at = 3;
  while (mangled[at] !== 'E') {
    const digits = /^\d{1,4}/.exec(mangled.slice(at, at + 4))?.[0];
    if (digits === undefined) return mangled;
    at += digits.length + Number(digits);
    parts.push(mangled.slice(at - Number(digits), at));
  }
  return parts
    .join('::')
    .replaceAll(/\$u([0-9a-f]{1,4})\$/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll('..', '::');
}

function rustName(mangled: string): string | null {
  try {
    return new RustName(mangled).path();
  } catch (error) {
    if (error instanceof Unreadable) return null;
    throw error;
  }
}

class Unreadable extends Error {}

const BASIC: Readonly<Record<string, string>> = {
  ...{
    a: 'i8',
    b: 'bool',
    c: 'char',
    d: 'f64',
    e: 'str',
    f: 'f32',
    h: 'u8',
    i: 'isize',
    j: 'usize',
    l: 'i32',
    m: 'u32',
  },
  ...{ n: 'i128', o: 'u128', s: 'i16', t: 'u16', u: '()', v: '…', x: 'i64', y: 'u64', z: '!', p: '_' },
};

/** Reads the paths of Rust's mangling, version 0: https://doc.rust-lang.org/rustc/symbol-mangling/v0.html */
class RustName {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #steps = 0;

  constructor(mangled: string) {
    this.#text = mangled.slice(2);
  }

  path(): string {
    return this.#nested(() => {
      const tag = this.#next();
      switch (tag) {
        case 'C':
          this.#disambiguator();
          return this.#identifier();
        case 'N': {
          const space = this.#next();
          const parent = this.path();
          this.#disambiguator();
          const own = this.#identifier();
          if (space === 'C') return `${parent}::{closure}`;
          return own === '' ? parent : `${parent}::${own}`;
        }
        case 'M':
          this.#implementation();
          return `<${this.#type()}>`;
        case 'X': {
          this.#implementation();
          const type = this.#type();
          return `<${type} as ${this.path()}>`;
        }
        case 'Y': {
          const type = this.#type();
          return `<${type} as ${this.path()}>`;
        }
        case 'I': {
          const path = this.path();
          while (!this.#eat('E')) this.#generic();
          return path;
        }
        case 'B':
          return this.#back(() => this.path());
        default:
          throw new Unreadable();
      }
    });
  }

  #type(): string {
    return this.#nested(() => {
      const tag = this.#next();
      const basic = BASIC[tag];
      if (basic !== undefined) return basic;
      switch (tag) {
        case 'R':
        case 'Q':
          if (this.#eat('L')) this.#base62();
          return `&${tag === 'Q' ? 'mut ' : ''}${this.#type()}`;
        case 'P':
          return `*const ${this.#type()}`;
        case 'O':
          return `*mut ${this.#type()}`;
        case 'S':
          return `[${this.#type()}]`;
        case 'A': {
          const element = this.#type();
          this.#constant();
          return `[${element}; _]`;
        }
        case 'T': {
          const types: string[] = [];
          while (!this.#eat('E')) types.push(this.#type());
          return `(${types.join(', ')})`;
        }
        case 'B':
          return this.#back(() => this.#type());
        case 'F':
        case 'D':
          throw new Unreadable();
        default:
          this.#at -= 1;
          return this.path();
      }
    });
  }

  #generic(): void {
    if (this.#eat('L')) this.#base62();
    else if (this.#eat('K')) this.#constant();
    else this.#type();
  }

  #constant(): void {
    const tag = this.#next();
    if (tag === 'p') return;
    if (tag === 'B') return void this.#base62();
    const rest = /^n?[0-9a-f]*_/.exec(this.#text.slice(this.#at));
    if (rest === null) throw new Unreadable();
    this.#at += rest[0].length;
  }

  /** Where an implementation stands is not told. */
  #implementation(): void {
    this.#disambiguator();
    this.path();
  }

  #disambiguator(): void {
    if (this.#eat('s')) this.#base62();
  }

  #identifier(): string {
    const punycode = this.#eat('u');
    const digits = /^\d+/.exec(this.#text.slice(this.#at));
    if (digits === null) throw new Unreadable();
    this.#at += digits[0].length;
    this.#eat('_');
    const length = Number(digits[0]);
    const own = this.#text.slice(this.#at, this.#at + length);
    if (own.length < length) throw new Unreadable();
    this.#at += length;
    return punycode ? `{${own}}` : own;
  }

  /** A number before `_`, of which none is 0. */
  #base62(): number {
    const digits = /^([0-9a-zA-Z]{0,12})_/.exec(this.#text.slice(this.#at));
    if (digits === null) throw new Unreadable();
    this.#at += digits[0].length;
    const value = [...digits[1]!].reduce(
      (sum, digit) => sum * 62 + '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'.indexOf(digit),
      0,
    );
    return digits[1] === '' ? 0 : value + 1;
  }

  #back<T>(read: () => T): T {
    const before = this.#at - 1;
    const target = this.#base62();
    if (target >= before) throw new Unreadable();
    const after = this.#at;
    this.#at = target;
    const found = read();
    this.#at = after;
    return found;
  }

  #nested<T>(read: () => T): T {
    this.#depth += 1;
    this.#steps += 1;
    if (this.#depth > MAX_DEPTH || this.#steps > MAX_STEPS) throw new Unreadable();
    const found = read();
    this.#depth -= 1;
    return found;
  }

  #next(): string {
    const tag = this.#text[this.#at];
    if (tag === undefined) throw new Unreadable();
    this.#at += 1;
    return tag;
  }

  #eat(tag: string): boolean {
    if (this.#text[this.#at] !== tag) return false;
    this.#at += 1;
    return true;
  }
}
