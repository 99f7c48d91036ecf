import { CloudletError, type WitType } from '../../protocol/index.ts';
import { camel, caseName, identifier, typeName, upperSnake } from './identifier.ts';

const SCALARS: Readonly<Partial<Record<WitType['kind'], string>>> = {
  bool: 'bool',
  s8: 'i8',
  u8: 'u8',
  s16: 'i16',
  u16: 'u16',
  s32: 'i32',
  u32: 'u32',
  s64: 'i64',
  u64: 'u64',
  f32: 'f32',
  f64: 'f64',
  char: 'char',
  string: 'String',
};

/** Most flags of one type that the canonical ABI carries, and most elements of a tuple that Rust's own traits know. */
const MAX_FLAGS = 32;
const MAX_ELEMENTS = 12;

/** Names Rust types for WIT types, and collects the definitions of those that Rust does not have. */
export class TypeWriter {
  readonly #names: ReadonlyMap<WitType, string>;
  /** Definition by Rust type name. */
  readonly #definitions = new Map<string, string>();
  /** Rust type name by the type's shape and author's name: one type may come as several equal objects. */
  readonly #written = new Map<string, string>();

  /** `names` is what the author calls the types. */
  constructor(names: ReadonlyMap<WitType, string>) {
    this.#names = names;
  }

  get definitions(): string {
    return [...this.#definitions.values()].join('\n');
  }

  /** The Rust type that holds a value of a WIT type. */
  name(type: WitType): string {
    const scalar = SCALARS[type.kind];
    if (scalar !== undefined) return scalar;
    const payload = (part: WitType | null) => (part === null ? '()' : this.name(part));
    switch (type.kind) {
      case 'list':
        return `Vec<${this.name(type.element)}>`;
      case 'option':
        return `Option<${this.name(type.some)}>`;
      case 'result':
        return `Result<${payload(type.ok)}, ${payload(type.err)}>`;
      case 'tuple':
        if (type.elements.length > MAX_ELEMENTS) {
          const limit = `expected tuples of at most ${MAX_ELEMENTS} elements, got ${type.elements.length}`;
          throw new CloudletError('unsupported-type', `${limit}; use a record`);
        }
        return `(${type.elements.map((element) => `${this.name(element)},`).join(' ')})`;
      case 'unsupported':
        throw new CloudletError(
          'unsupported-type',
          `Rust functions cannot take or give ${type.what}; use plain values`,
        );
      default:
        return this.#defined(type);
    }
  }

  #defined(type: WitType): string {
    const label = this.#label(type);
    const key = JSON.stringify([label, type]);
    const known = this.#written.get(key);
    if (known !== undefined) return known;
    // Two interfaces may each have an `item`: the second is `Item2`.
    let name = label;
    for (let next = 2; [...this.#written.values()].includes(name); next += 1) name = `${label}${next}`;
    this.#written.set(key, name);
    this.#definitions.set(name, this.#define(type, name));
    return name;
  }

  #label(type: WitType): string {
    const given = this.#names.get(type);
    if (given !== undefined) return typeName(given);
    switch (type.kind) {
      case 'record':
        return camel(`record-${type.fields.map((field) => field.name).join('-')}`);
      case 'variant':
        return camel(`variant-${type.cases.map((c) => c.name).join('-')}`);
      case 'enum':
        return camel(`enum-${type.cases.join('-')}`);
      case 'flags':
        return camel(`flags-${type.names.join('-')}`);
      default:
        throw new TypeError(`${type.kind} needs no definition`);
    }
  }

  #define(type: WitType, name: string): string {
    switch (type.kind) {
      case 'record': {
        const fields = type.fields.map((field) => `${identifier(field.name)}: ${this.name(field.type)}`);
        const body = fields.map((field) => `    pub ${field},\n`).join('');
        return `#[derive(Clone, Debug, PartialEq)]\npub struct ${name} {\n${body}}\nrecord!(${name} { ${fields.join(', ')} });\n`;
      }
      case 'variant':
        return this.#enumeration(name, 'Clone, Debug, PartialEq', type.cases);
      case 'enum':
        return this.#enumeration(
          name,
          'Clone, Copy, Debug, Eq, Hash, PartialEq',
          type.cases.map((each) => ({ name: each, type: null })),
        );
      case 'flags': {
        const bits = flagsType(type.names.length);
        const flags = type.names.map((each, at) => `${upperSnake(each)} = ${at}`).join(', ');
        const derive = 'Clone, Copy, Debug, Default, Eq, Hash, PartialEq';
        return `#[derive(${derive})]\npub struct ${name}(${bits});\nflags!(${name}: ${bits} { ${flags} });\n`;
      }
      default:
        throw new TypeError(`${type.kind} needs no definition`);
    }
  }

  #enumeration(
    name: string,
    derive: string,
    cases: readonly { readonly name: string; readonly type: WitType | null }[],
  ): string {
    const payload = (type: WitType | null, before: string) => (type === null ? '' : `(${before}${this.name(type)})`);
    const body = cases.map((c) => `    ${caseName(c.name)}${payload(c.type, '')},\n`).join('');
    const tag = cases.length <= 0x100 ? 'u8' : cases.length <= 0x10000 ? 'u16' : 'u32';
    const arms = cases.map((c, at) => `${at} => ${caseName(c.name)}${payload(c.type, 'value: ')}`).join(', ');
    return `#[derive(${derive})]\npub enum ${name} {\n${body}}\nvariant!([] ${name}: ${tag} { ${arms} });\n`;
  }
}

function flagsType(flags: number): string {
  if (flags > MAX_FLAGS) {
    const limit = `expected flags of at most ${MAX_FLAGS} names, got ${flags}`;
    throw new CloudletError('unsupported-type', `${limit}; split them`);
  }
  return flags <= 8 ? 'u8' : flags <= 16 ? 'u16' : 'u32';
}
