import { CloudletError, type WitType } from '../../protocol/index.ts';
import { camel, caseName } from '../rust/identifier.ts';
import { member, typeName } from './identifier.ts';

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
  char: 'u32',
  string: 'string',
};

/** Arrays of the language for lists of numbers. */
export const TYPED_ARRAYS: Readonly<Partial<Record<WitType['kind'], string>>> = {
  s8: 'Int8Array',
  u8: 'Uint8Array',
  s16: 'Int16Array',
  u16: 'Uint16Array',
  s32: 'Int32Array',
  u32: 'Uint32Array',
  s64: 'Int64Array',
  u64: 'Uint64Array',
  f32: 'Float32Array',
  f64: 'Float64Array',
};

const MAX_FLAGS = 32;

/** Names AssemblyScript types for WIT types, and collects the definitions of those that the language does not have. */
export class TypeWriter {
  readonly #names: ReadonlyMap<WitType, string>;
  readonly #definitions = new Map<string, string>();
  readonly #written = new Map<string, string>();

  constructor(names: ReadonlyMap<WitType, string>) {
    this.#names = names;
  }

  get definitions(): string {
    return [...this.#definitions.values()].join('\n');
  }

  /** The type that holds a value; an absent payload of a result is a `bool` that nobody reads. */
  name(type: WitType | null): string {
    if (type === null) return 'bool';
    const scalar = SCALARS[type.kind];
    if (scalar !== undefined) return scalar;
    switch (type.kind) {
      case 'list':
        return TYPED_ARRAYS[type.element.kind] ?? `Array<${this.name(type.element)}>`;
      case 'option':
        return `Option<${this.name(type.some)}>`;
      case 'result':
        return `Result<${this.name(type.ok)}, ${this.name(type.err)}>`;
      case 'tuple':
        return this.#tuple(type.elements);
      case 'unsupported':
        throw new CloudletError(
          'unsupported-type',
          `AssemblyScript functions cannot take or give ${type.what}; use plain values`,
        );
      default:
        return this.#defined(type);
    }
  }

  #tuple(elements: readonly WitType[]): string {
    const name = `Tuple${elements.length}`;
    if (!this.#definitions.has(name)) {
      const types = elements.map((_, at) => `T${at}`).join(', ');
      const fields = elements.map((_, at) => `public f${at}: T${at}`).join(', ');
      this.#definitions.set(name, `export class ${name}<${types}> {\n  constructor(${fields}) {}\n}\n`);
    }
    return `${name}<${elements.map((element) => this.name(element)).join(', ')}>`;
  }

  #defined(type: WitType): string {
    const label = this.#label(type);
    const key = JSON.stringify([label, type]);
    const known = this.#written.get(key);
    if (known !== undefined) return known;
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
        const fields = type.fields.map((field) => `    public ${member(field.name)}: ${this.name(field.type)},\n`);
        return `export class ${name} {\n  constructor(\n${fields.join('')}  ) {}\n}\n`;
      }
      case 'enum':
        return enumeration(name, type.cases, (at) => `${at}`);
      case 'flags':
        if (type.names.length > MAX_FLAGS) {
          const limit = `expected flags of at most ${MAX_FLAGS} names, got ${type.names.length}`;
          throw new CloudletError('unsupported-type', `${limit}; split them`);
        }
        return enumeration(name, type.names, (at) => `1 << ${at}`);
      case 'variant': {
        const tags = enumeration(
          `${name}Tag`,
          type.cases.map((c) => c.name),
          (at) => `${at}`,
        );
        const fields = type.cases.flatMap((c) =>
          c.type === null ? [] : [`  ${member(c.name)}: ${this.name(c.type)} = zero<${this.name(c.type)}>();\n`],
        );
        const makers = type.cases.map((c) => {
          const param = c.type === null ? '' : `value: ${this.name(c.type)}`;
          const set = c.type === null ? '' : `    made.${member(c.name)} = value;\n`;
          const made = `    const made = new ${name}(${name}Tag.${caseName(c.name)});\n`;
          return `  static of${caseName(c.name)}(${param}): ${name} {\n${made}${set}    return made;\n  }\n`;
        });
        return `${tags}\nexport class ${name} {\n${fields.join('')}  constructor(public tag: ${name}Tag) {}\n${makers.join('')}}\n`;
      }
      default:
        throw new TypeError(`${type.kind} needs no definition`);
    }
  }
}

function enumeration(name: string, cases: readonly string[], value: (at: number) => string): string {
  return `export enum ${name} {\n${cases.map((each, at) => `  ${caseName(each)} = ${value(at)},\n`).join('')}}\n`;
}
