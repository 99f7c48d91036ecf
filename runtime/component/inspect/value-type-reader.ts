import type { WitPrimitive, WitType } from '../../../guest-sdk/protocol/index.ts';
import { type ByteReader, refused } from '../binary/byte-reader.ts';
import { type Budget, LIMITS, type Scope, type ValueType } from './type-space.ts';

const PRIMITIVE_KINDS: readonly (readonly [number, WitPrimitive])[] = [
  [0x7f, 'bool'],
  [0x7e, 's8'],
  [0x7d, 'u8'],
  [0x7c, 's16'],
  [0x7b, 'u16'],
  [0x7a, 's32'],
  [0x79, 'u32'],
  [0x78, 's64'],
  [0x77, 'u64'],
  [0x76, 'f32'],
  [0x75, 'f64'],
  [0x74, 'char'],
  [0x73, 'string'],
];
const ERROR_CONTEXT = 0x64;

/** One object for each primitive: a hostile file may name millions of them. */
const PRIMITIVES: ReadonlyMap<number, ValueType> = new Map([
  ...PRIMITIVE_KINDS.map(([byte, kind]) => [byte, leaf({ kind })] as const),
  [ERROR_CONTEXT, leaf({ kind: 'unsupported', what: 'error-context' })] as const,
]);

/** Reads a value type where one is used: a primitive, or the index of a type defined before. */
export function readValueType(reader: ByteReader, scope: Scope): ValueType {
  const byte = reader.peek('a value type');
  // A negative one-byte LEB128 number is a primitive; everything else is an index.
  if (byte >= 0x40 && byte < 0x80) {
    reader.skip(1, 'a value type');
    const primitive = readPrimitive(byte);
    if (primitive === null) throw reader.malformed(`a known value type, not ${hex(byte)},`);
    return primitive;
  }
  const index = reader.s33('the index of a type');
  const found = scope.types[index];
  if (found === undefined) throw reader.malformed(`the index of a type defined before, not ${index},`);
  if (found.kind !== 'value') throw reader.malformed(`the index of a value type, not of a ${found.kind} type,`);
  return found;
}

/** The primitive type of a byte, or null when the byte is none. */
export function readPrimitive(byte: number): ValueType | null {
  return PRIMITIVES.get(byte) ?? null;
}

/** Reads a definition of a value type after its opcode, or gives null when the opcode defines something else. */
export function readDefinedValueType(opcode: number, reader: ByteReader, scope: Scope): ValueType | null {
  const value = (): ValueType => readValueType(reader, scope);
  const optional = (what: string): ValueType | null => (readFlag(reader, what) ? value() : null);
  switch (opcode) {
    case 0x72: {
      const fields = readMany(reader, scope.budget, 'fields of a record', () => ({
        name: readLabel(reader),
        value: value(),
      }));
      return compose(
        { kind: 'record', fields: fields.map((field) => ({ name: field.name, type: field.value.type })) },
        fields.map((field) => field.value),
      );
    }
    case 0x71: {
      const cases = readMany(reader, scope.budget, 'cases of a variant', () => {
        const name = readLabel(reader);
        const payload = optional('whether a case has a payload');
        // "refines" was never used; the encoding keeps its place.
        if (readFlag(reader, 'whether a case refines another')) reader.skipLeb('the refined case');
        return { name, payload };
      });
      return compose(
        { kind: 'variant', cases: cases.map(({ name, payload }) => ({ name, type: payload?.type ?? null })) },
        cases.map(({ payload }) => payload),
      );
    }
    case 0x70: {
      const element = value();
      return compose({ kind: 'list', element: element.type }, [element]);
    }
    case 0x6f: {
      const elements = readMany(reader, scope.budget, 'elements of a tuple', value);
      return compose({ kind: 'tuple', elements: elements.map((element) => element.type) }, elements);
    }
    case 0x6e: {
      const names = readMany(reader, scope.budget, 'flags', () => readLabel(reader));
      return compose({ kind: 'flags', names }, [], names.length);
    }
    case 0x6d: {
      const cases = readMany(reader, scope.budget, 'cases of an enum', () => readLabel(reader));
      return compose({ kind: 'enum', cases }, [], cases.length);
    }
    case 0x6b: {
      const some = value();
      return compose({ kind: 'option', some: some.type }, [some]);
    }
    case 0x6a: {
      const ok = optional('whether a result has an ok type');
      const err = optional('whether a result has an error type');
      return compose({ kind: 'result', ok: ok?.type ?? null, err: err?.type ?? null }, [ok, err]);
    }
    case 0x69:
      return handle('own', reader, scope);
    case 0x68:
      return handle('borrow', reader, scope);
    case 0x67:
      value();
      return leaf({ kind: 'unsupported', what: `list of a fixed length (${reader.u32('the length of a list')})` });
    case 0x66: {
      const element = optional('whether a stream has elements');
      if (element?.type.kind === 'char')
        throw refused(
          'the component has a stream of characters, which the component model does not allow; use bytes or strings',
        );
      return leaf({ kind: 'unsupported', what: element ? 'stream<…>' : 'stream' });
    }
    case 0x65:
      return leaf({ kind: 'unsupported', what: optional('whether a future has a value') ? 'future<…>' : 'future' });
    case 0x63:
      value();
      value();
      return leaf({ kind: 'unsupported', what: 'map<…>' });
    default:
      return readPrimitive(opcode);
  }
}

/** Words as WIT writes them, joined by "-". Whatever else stands there would reach generated code. */
const LABEL = /^[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*$/;

/** A name of a parameter, field, case or flag. */
export function readLabel(reader: ByteReader): string {
  return checkName(reader.name('a name'), LABEL);
}

/** Refuses a name that is too long or does not have its form. */
export function checkName(name: string, form: RegExp): string {
  if (name.length > LIMITS.nameBytes) {
    throw refused(`expected names of at most ${LIMITS.nameBytes} bytes, got one of ${name.length}`);
  }
  if (!form.test(name)) throw refused(`expected names of letters, digits and "-", got ${JSON.stringify(name)}`);
  return name;
}

/** Reads a counted sequence; each element takes at least one byte of input and one of the budget. */
export function readMany<T>(reader: ByteReader, budget: Budget, what: string, read: () => T): T[] {
  const items: T[] = [];
  const count = reader.count(what);
  budget.spend(count);
  for (let left = count; left > 0; left -= 1) items.push(read());
  return items;
}

/** A byte that is 0 or 1. */
export function readFlag(reader: ByteReader, what: string): boolean {
  const byte = reader.u8(what);
  if (byte > 1) throw reader.malformed(`${what} (0 or 1), not ${hex(byte)},`);
  return byte === 1;
}

/** A byte as the specification writes it. */
export function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}

function handle(mode: 'own' | 'borrow', reader: ByteReader, scope: Scope): ValueType {
  const index = reader.u32('the index of a resource');
  const resource = scope.types[index];
  if (resource?.kind !== 'resource') throw reader.malformed(`the index of a resource defined before, not ${index},`);
  const name = resource.name ?? 'resource';
  const value = leaf({ kind: 'unsupported', what: mode === 'own' ? name : `borrow<${name}>` });
  scope.features.handles.set(value.type, { mode, resource });
  return value;
}

function leaf(type: WitType): ValueType {
  return { kind: 'value', type, nodes: 1, depth: 1 };
}

function compose(type: WitType, parts: readonly (ValueType | null)[], labels = 0): ValueType {
  let nodes = 1 + labels;
  let depth = 0;
  for (const part of parts) {
    nodes += part === null ? 1 : part.nodes;
    depth = Math.max(depth, part?.depth ?? 0);
  }
  if (depth >= LIMITS.typeDepth) throw refused(`expected types nested at most ${LIMITS.typeDepth} deep, got more`);
  if (nodes > LIMITS.typeNodes) {
    throw refused(`expected types of at most ${LIMITS.typeNodes} parts when written out, got one of more`);
  }
  return { kind: 'value', type, nodes, depth: depth + 1 };
}
