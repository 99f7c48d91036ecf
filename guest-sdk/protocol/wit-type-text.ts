import { CloudletError } from './errors.ts';
import type { WitCase, WitField, WitPrimitive, WitType } from './wit-type.ts';

/** Deepest type that is read; a real one nests a few levels. */
const MAX_DEPTH = 64;

const PRIMITIVES: ReadonlySet<string> = new Set<WitPrimitive>([
  'bool',
  ...(['s8', 'u8', 's16', 'u16', 's32', 'u32', 's64', 'u64', 'f32', 'f64'] as const),
  'char',
  'string',
]);

/** Reads a type that `formatType` wrote. `request-invalid` says where it is none; what cannot be carried is `unsupported`, with its text. */
export function parseType(text: string): WitType {
  const reader = new Reader(text);
  const type = reader.type(0);
  reader.end();
  return type;
}

class Reader {
  readonly #text: string;
  readonly #tokens: readonly { readonly token: string; readonly at: number }[];
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = [...text.matchAll(/[A-Za-z][A-Za-z0-9-]*|[<>{}(),:]|[^\s]/g)].map((match) => ({
      token: match[0],
      at: match.index,
    }));
  }

  type(depth: number): WitType {
    if (depth > MAX_DEPTH) throw this.#refused(`at most ${MAX_DEPTH} types within each other`);
    const word = this.#word();
    const type = () => this.type(depth + 1);
    if (PRIMITIVES.has(word)) return { kind: word as WitPrimitive };
    switch (word) {
      case 'list':
        return { kind: 'list', element: this.#between('<', type, '>') };
      case 'option':
        return { kind: 'option', some: this.#between('<', type, '>') };
      case 'tuple':
        return { kind: 'tuple', elements: this.#between('<', () => this.#many(type, '>'), '>') };
      case 'result':
        return this.#result(type);
      case 'record':
        return { kind: 'record', fields: this.#between('{', () => this.#many(() => this.#field(type), '}'), '}') };
      case 'variant':
        return { kind: 'variant', cases: this.#between('{', () => this.#many(() => this.#case(type), '}'), '}') };
      case 'enum':
        return { kind: 'enum', cases: this.#between('{', () => this.#many(() => this.#word(), '}'), '}') };
      case 'flags':
        return { kind: 'flags', names: this.#between('{', () => this.#many(() => this.#word(), '}'), '}') };
      default:
        return this.#unsupported(word);
    }
  }

  end(): void {
    if (this.#next < this.#tokens.length) throw this.#refused('the end');
  }

  #result(type: () => WitType): WitType {
    if (!this.#takes('<')) return { kind: 'result', ok: null, err: null };
    const ok = this.#takes('_') ? null : type();
    const err = this.#takes(',') ? type() : null;
    this.#take('>');
    return { kind: 'result', ok, err };
  }

  #field(type: () => WitType): WitField {
    const name = this.#word();
    this.#take(':');
    return { name, type: type() };
  }

  #case(type: () => WitType): WitCase {
    const name = this.#word();
    return { name, type: this.#takes('(') ? this.#closed(type(), ')') : null };
  }

  /** `own<file>`, `stream<u8>`, `future`: handles and the like, whose text is kept. */
  #unsupported(word: string): WitType {
    const from = this.#tokens[this.#next - 1]!.at;
    if (this.#takes('<')) {
      let open = 1;
      while (open > 0) {
        const token = this.#tokens[this.#next]?.token;
        if (token === undefined) throw this.#refused('">"');
        this.#next += 1;
        open += token === '<' ? 1 : token === '>' ? -1 : 0;
      }
    }
    const last = this.#tokens[this.#next - 1]!;
    const what = this.#text.slice(from, last.at + last.token.length);
    return { kind: 'unsupported', what: what === '' ? word : what };
  }

  #many<Item>(item: () => Item, close: string): Item[] {
    const items: Item[] = [];
    if (this.#tokens[this.#next]?.token === close) return items;
    do items.push(item());
    while (this.#takes(','));
    return items;
  }

  #between<Inner>(open: string, inner: () => Inner, close: string): Inner {
    this.#take(open);
    return this.#closed(inner(), close);
  }

  #closed<Inner>(inner: Inner, close: string): Inner {
    this.#take(close);
    return inner;
  }

  #word(): string {
    const token = this.#tokens[this.#next]?.token ?? '';
    if (!/^[A-Za-z]/.test(token)) throw this.#refused('a name');
    this.#next += 1;
    return token;
  }

  #takes(token: string): boolean {
    if (this.#tokens[this.#next]?.token !== token) return false;
    this.#next += 1;
    return true;
  }

  #take(token: string): void {
    if (!this.#takes(token)) throw this.#refused(JSON.stringify(token));
  }

  #refused(expected: string): CloudletError {
    const found = this.#tokens[this.#next];
    const got = found === undefined ? 'its end' : `${JSON.stringify(found.token.slice(0, 40))} at ${found.at}`;
    return new CloudletError('request-invalid', `expected a WIT type with ${expected}, got ${got}`);
  }
}
