import { type List, type Node, readNodes, textOf, wordOf } from './s-expression.ts';

/** Where the bytes of a module or component come from. */
export type Source =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** A module or component as a script writes it. */
export interface Written {
  readonly sort: 'module' | 'component';
  readonly name: string | null;
  readonly source: Source;
}

/** A call of an export of an instance; null for the latest. */
export interface Invoke {
  readonly instance: string | null;
  readonly export: string;
  readonly arguments: readonly List[];
}

/** One command of a script, with its line. */
export type Command = Act & { readonly line: number };

/** What a command does. */
export type Act =
  | { readonly kind: 'define'; readonly written: Written; readonly instantiate: boolean }
  | { readonly kind: 'instantiate'; readonly name: string | null; readonly definition: string | null }
  | { readonly kind: 'register'; readonly as: string; readonly instance: string | null }
  | { readonly kind: 'invoke'; readonly invoke: Invoke }
  | { readonly kind: 'assert-return'; readonly invoke: Invoke; readonly results: readonly List[] }
  | { readonly kind: 'assert-trap'; readonly trapping: Invoke | Written; readonly message: string }
  | {
      readonly kind: 'assert-refused';
      readonly why: 'invalid' | 'malformed' | 'unlinkable';
      readonly written: Written;
      readonly message: string;
    };

/** Reads the commands of a `.wast` file. Throws an error that names the line of what it does not understand. */
export function readScript(text: string): Command[] {
  return readNodes(text).map((node) => {
    const line = text.slice(0, node.start).split('\n').length;
    try {
      return { line, ...command(node, text) };
    } catch (error) {
      throw new Error(`line ${line}: ${(error as Error).message}`, { cause: error });
    }
  });
}

function command(node: Node, text: string): Act {
  const list = asList(node);
  const [head, ...rest] = list.items;
  const word = wordOf(head);
  switch (word) {
    case 'module':
      return { kind: 'define', written: written(list, text), instantiate: true };
    case 'component': {
      const second = wordOf(rest[0]);
      if (second === 'instance')
        return { kind: 'instantiate', name: wordOf(rest[1]) ?? null, definition: wordOf(rest[2]) ?? null };
      return { kind: 'define', written: written(list, text), instantiate: second !== 'definition' };
    }
    case 'register':
      return { kind: 'register', as: textOf(rest[0]), instance: wordOf(rest[1]) ?? null };
    case 'invoke':
      return { kind: 'invoke', invoke: invoke(list) };
    case 'assert_return':
      return { kind: 'assert-return', invoke: invoke(asList(rest[0])), results: rest.slice(1).map(asList) };
    case 'assert_trap': {
      const what = asList(rest[0]);
      const trapping = wordOf(what.items[0]) === 'invoke' ? invoke(what) : written(what, text);
      return { kind: 'assert-trap', trapping, message: textOf(rest[1]) };
    }
    case 'assert_invalid':
    case 'assert_malformed':
    case 'assert_unlinkable':
      return {
        kind: 'assert-refused',
        why: word.slice('assert_'.length) as 'invalid' | 'malformed' | 'unlinkable',
        written: written(asList(rest[0]), text),
        message: textOf(rest[1]),
      };
    default:
      throw new Error(`expected a command of a script, got ${word ?? 'a list without one'}`);
  }
}

function invoke(list: List): Invoke {
  const [head, ...rest] = list.items;
  if (wordOf(head) !== 'invoke') throw new Error(`expected (invoke …), got ${wordOf(head) ?? 'something else'}`);
  const instance = wordOf(rest[0]) ?? null;
  const [name, ...values] = instance === null ? rest : rest.slice(1);
  return { instance, export: textOf(name), arguments: values.map(asList) };
}

function written(list: List, text: string): Written {
  const [head, ...rest] = list.items;
  const sort = wordOf(head);
  if (sort !== 'module' && sort !== 'component') throw new Error(`expected a module or component, got ${sort}`);
  let at = 0;
  if (wordOf(rest[at]) === 'definition') at += 1;
  const name = wordOf(rest[at])?.startsWith('$') ? wordOf(rest[at])! : null;
  if (name !== null) at += 1;
  const form = wordOf(rest[at]);
  if (form === 'binary' || form === 'quote') {
    const bytes = joined(rest.slice(at + 1));
    // What is quoted is the inside of a module or component, or the whole of one.
    if (form === 'binary') return { sort, name, source: { kind: 'bytes', bytes } };
    const quoted = new TextDecoder().decode(bytes);
    const whole = new RegExp(`^\\s*\\(\\s*${sort}\\b`).test(quoted);
    return { sort, name, source: { kind: 'text', text: whole ? quoted : `(${sort} ${quoted})` } };
  }
  const inside = rest[at] === undefined ? ')' : text.slice(rest[at]!.start, list.end);
  // The name stays: what is inside may refer to it.
  return { sort, name, source: { kind: 'text', text: `(${sort} ${name ?? ''} ${inside}` } };
}

function joined(nodes: readonly Node[]): Uint8Array {
  const parts = nodes.map((node) => {
    if (node.kind !== 'text') throw new Error(`expected strings of bytes, got ${node.kind}`);
    return node.bytes;
  });
  return new Uint8Array(Buffer.concat(parts));
}

function asList(node: Node | undefined): List {
  if (node?.kind === 'list') return node;
  throw new Error(`expected a list, got ${node?.kind ?? 'nothing'}`);
}
