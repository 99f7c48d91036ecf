import {
  bindingName,
  encodeBase64,
  hasTag,
  type ValueFormat,
  type WitFunction,
  type WitType,
} from '../../guest-sdk/protocol/index.ts';
import type { SeededRandom } from './random.ts';

const NAMES = [
  'a',
  'field-a1',
  'HTTP-server',
  'x-H2O-y3',
  'constructor',
  'default',
  'val',
  'tag',
  'to-string',
  'length',
];
const PRIMITIVES = [
  'bool',
  's8',
  'u8',
  's16',
  'u16',
  's32',
  'u32',
  's64',
  'u64',
  'f32',
  'f64',
  'char',
  'string',
] as const;
const BITS = { s8: 8, u8: 8, s16: 16, u16: 16, s32: 32, u32: 32, s64: 64, u64: 64 } as const;

/** A random WIT type of at most `depth` levels. */
export function randomType(random: SeededRandom, depth: number): WitType {
  if (depth <= 1 || random.below(4) === 0) return { kind: random.pick(PRIMITIVES) };
  const part = () => randomType(random, depth - 1);
  const names = (least: number) => NAMES.filter((_, index) => index < least || random.below(3) === 0);
  switch (random.below(8)) {
    case 0:
      return { kind: 'tuple', elements: Array.from({ length: random.below(4) }, part) };
    case 1:
      return { kind: 'record', fields: names(1).map((name) => ({ name, type: part() })) };
    case 2:
      return {
        kind: 'variant',
        cases: names(1).map((name) => ({ name, type: random.below(3) === 0 ? null : part() })),
      };
    case 3:
      return { kind: 'enum', cases: names(1) };
    case 4:
      return { kind: 'flags', names: names(1) };
    case 5:
      return { kind: 'result', ok: random.below(3) === 0 ? null : part(), err: random.below(3) === 0 ? null : part() };
    case 6:
      return { kind: 'option', some: part() };
    default:
      return { kind: 'list', element: part() };
  }
}

/** A function that takes and gives one value of the type. */
export function echoOf(type: WitType): WitFunction {
  return {
    name: 'echo',
    interface: null,
    function: 'echo',
    params: [{ name: 'value', type }],
    result: type,
    async: false,
  };
}

/** A random value of the type, in canonical plain data: what `encodeResult` gives for it. */
export function randomValue(random: SeededRandom, type: WitType, format: ValueFormat): unknown {
  const value = (inner: WitType): unknown => randomValue(random, inner, format);
  switch (type.kind) {
    case 'bool':
      return random.below(2) === 0;
    case 'f32':
      return float(random, Math.fround(random.next() * 2 ** random.below(120)));
    case 'f64':
      return float(random, random.next() * 2 ** random.below(1000));
    case 'char':
      return random.pick(['a', '\u0000', 'é', '\uffff', '😀', '\u{10ffff}']);
    case 'string':
      return Array.from({ length: random.below(6) }, () =>
        random.pick(['a', '"', '\\', '\u0000', 'é', '😀', '__proto__', '\n']),
      ).join('');
    case 'list': {
      if (type.element.kind !== 'u8') return Array.from({ length: random.below(5) }, () => value(type.element));
      const bytes = random.bytes(random.below(9));
      return format === 'json' ? encodeBase64(bytes) : bytes;
    }
    case 'tuple':
      return type.elements.map(value);
    case 'record':
      return Object.fromEntries(type.fields.map((field) => [field.name, value(field.type)]));
    case 'variant': {
      const { name, type: payload } = random.pick(type.cases);
      return payload === null ? { tag: name } : { tag: name, val: value(payload) };
    }
    case 'enum':
      return random.pick(type.cases);
    case 'flags':
      return type.names.filter(() => random.below(2) === 0);
    case 'option':
      if (random.below(3) === 0) return null;
      return type.some.kind === 'option' ? { some: value(type.some) } : value(type.some);
    case 'result': {
      const tag = random.pick(['ok', 'err'] as const);
      const payload = type[tag];
      return { [tag]: payload === null ? null : value(payload) };
    }
    case 'unsupported':
      throw new Error('no value of an unsupported type');
    default:
      return integer(random, type.kind, format);
  }
}

/** Where bindings values of a type keep their parts; used to spoil one of them. */
export function bindingKeys(type: WitType): string[] {
  if (type.kind === 'record') return type.fields.map((field) => bindingName(field.name));
  if (type.kind === 'flags') return type.names.map(bindingName);
  if (type.kind === 'variant' || type.kind === 'result' || (type.kind === 'option' && hasTag(type.some)))
    return ['tag', 'val'];
  return ['0', '1'];
}

function float(random: SeededRandom, number: number): unknown {
  return random.pick([number, -number, 0, -0, 1, 0.5, 'NaN', 'Infinity', '-Infinity']);
}

function integer(random: SeededRandom, kind: keyof typeof BITS, format: ValueFormat): number | bigint | string {
  const bits = BITS[kind];
  const low = kind.startsWith('u') ? 0n : -(2n ** BigInt(bits - 1));
  const high = low + 2n ** BigInt(bits) - 1n;
  const some = BigInt.asUintN(bits, (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32))) + low;
  const near = [2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 0n, 1n].filter((each) => each <= high);
  const chosen = random.pick([some, low, high, ...near]);
  if (bits < 64) return Number(chosen);
  if (format === 'msgpack') return chosen;
  const number = Number(chosen);
  return Number.isSafeInteger(number) ? number : chosen.toString();
}
