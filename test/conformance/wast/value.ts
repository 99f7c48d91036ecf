import { type List, type Node, textOf, wordOf } from './s-expression.ts';

/** A typed error that an export gave: the `err` of its result. */
export class ExportError extends Error {
  override readonly name = 'ExportError';
  readonly payload: unknown;

  constructor(payload: unknown) {
    super('the export gave an error value');
    this.payload = payload;
  }
}

/** The value of a constant of a script, as the glue takes it. */
export function constantOf(list: List): unknown {
  const [head, ...rest] = list.items;
  const word = wordOf(head);
  switch (word) {
    case 'bool.const':
      return wordOf(rest[0]) === 'true';
    case 'u8.const':
    case 's8.const':
    case 'u16.const':
    case 's16.const':
    case 'u32.const':
    case 's32.const':
    case 'i32.const':
      return Number(integerOf(rest[0]));
    case 'u64.const':
    case 's64.const':
    case 'i64.const':
      return integerOf(rest[0]);
    case 'f32.const':
      return Math.fround(floatOf(rest[0]));
    case 'f64.const':
      return floatOf(rest[0]);
    case 'char.const':
    case 'str.const':
      return textOf(rest[0]);
    case 'list.const':
      return listOf(rest as List[]);
    case 'tuple.const':
      return rest.map((each) => constantOf(each as List));
    case 'record.const':
      return Object.fromEntries(fieldsOf(rest).map(([name, value]) => [camel(name), constantOf(value)]));
    case 'variant.const':
      return rest[1] === undefined
        ? { tag: textOf(rest[0]) }
        : { tag: textOf(rest[0]), val: constantOf(rest[1] as List) };
    case 'enum.const':
      return textOf(rest[0]);
    case 'flags.const':
      return Object.fromEntries(rest.map((each) => [camel(textOf(each)), true]));
    case 'option.none':
      return undefined;
    case 'option.some':
      return constantOf(rest[0] as List);
    case 'result.ok':
    case 'result.err':
      return {
        tag: word.slice('result.'.length),
        val: rest[0] === undefined ? undefined : constantOf(rest[0] as List),
      };
    default:
      throw new Error(`expected a constant of a component type, got (${word} …)`);
  }
}

/** Whether what an export gave is the value of a constant. */
export function matches(list: List, actual: unknown): boolean {
  const [head, ...rest] = list.items;
  const word = wordOf(head);
  const inner = (node: Node | undefined, value: unknown) =>
    node === undefined ? value === undefined : matches(node as List, value);
  const object = typeof actual === 'object' && actual !== null ? (actual as Record<string, unknown>) : {};
  switch (word) {
    case 'list.const':
    case 'tuple.const': {
      const items =
        Array.isArray(actual) || ArrayBuffer.isView(actual) ? Array.from(actual as ArrayLike<unknown>) : null;
      return items !== null && items.length === rest.length && rest.every((each, at) => inner(each, items[at]));
    }
    case 'record.const': {
      const fields = fieldsOf(rest);
      return (
        Object.keys(object).length === fields.length &&
        fields.every(([name, value]) => inner(value, object[camel(name)]))
      );
    }
    case 'variant.const':
      return object['tag'] === textOf(rest[0]) && inner(rest[1], object['val']);
    case 'flags.const': {
      const set = Object.keys(object).filter((name) => object[name] === true);
      return set.length === rest.length && rest.every((each) => object[camel(textOf(each))] === true);
    }
    case 'option.none':
      return actual === undefined || actual === null || object['tag'] === 'none';
    case 'option.some':
      return object['tag'] === 'some' ? inner(rest[0], object['val']) : actual !== undefined && inner(rest[0], actual);
    case 'result.ok':
      if (actual instanceof ExportError) return false;
      return object['tag'] === 'ok' ? inner(rest[0], object['val']) : inner(rest[0], actual);
    case 'result.err':
      if (actual instanceof ExportError) return inner(rest[0], actual.payload);
      return object['tag'] === 'err' && inner(rest[0], object['val']);
    default: {
      const literal = wordOf(rest[0]);
      if ((word === 'f32.const' || word === 'f64.const') && literal?.includes('nan')) return Number.isNaN(actual);
      return Object.is(constantOf(list), actual);
    }
  }
}

/** Lists of numbers are typed arrays in the glue, which copies them as bytes. */
const ARRAYS: Readonly<Record<string, new (length: number) => { [at: number]: unknown }>> = {
  'u8.const': Uint8Array,
  's8.const': Int8Array,
  'u16.const': Uint16Array,
  's16.const': Int16Array,
  'u32.const': Uint32Array,
  's32.const': Int32Array,
  'u64.const': BigUint64Array,
  's64.const': BigInt64Array,
  'f32.const': Float32Array,
  'f64.const': Float64Array,
};

function listOf(items: readonly List[]): unknown {
  const TypedArray = ARRAYS[wordOf(items[0]?.items[0]) ?? ''];
  if (TypedArray === undefined) return items.map(constantOf);
  const array = new TypedArray(items.length);
  for (const [at, item] of items.entries()) array[at] = constantOf(item);
  return array;
}

function fieldsOf(nodes: readonly Node[]): [name: string, value: List][] {
  return nodes.map((node) => {
    const items = node.kind === 'list' ? node.items : [];
    if (wordOf(items[0]) !== 'field') throw new Error('expected (field "name" value)');
    // Some scripts leave out the parentheses of the value.
    const value = items[2]?.kind === 'atom' ? { ...(node as List), items: items.slice(2) } : items[2];
    return [textOf(items[1]), value as List];
  });
}

function integerOf(node: Node | undefined): bigint {
  const word = (wordOf(node) ?? '').replaceAll('_', '');
  if (!/^[+-]?(\d+|0x[0-9a-fA-F]+)$/.test(word)) throw new Error(`expected a whole number, got ${word}`);
  const magnitude = BigInt(word.replace(/^[+-]/, ''));
  return word.startsWith('-') ? -magnitude : magnitude;
}

function floatOf(node: Node | undefined): number {
  const word = (wordOf(node) ?? '').replaceAll('_', '');
  const sign = word.startsWith('-') ? -1 : 1;
  const plain = word.replace(/^[+-]/, '');
  if (plain.startsWith('nan')) return Number.NaN;
  if (plain === 'inf') return sign * Number.POSITIVE_INFINITY;
  const hex = /^0x([0-9a-fA-F]*)\.?([0-9a-fA-F]*)(?:p([+-]?\d+))?$/.exec(plain);
  if (hex !== null) {
    const [, whole, fraction, exponent = '0'] = hex;
    return sign * Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(exponent) - 4 * fraction!.length);
  }
  return sign * Number(plain);
}

/** A name of WIT as the glue has it. */
function camel(name: string): string {
  return name.replaceAll(/-([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
