import type { ImportedResource, ResourceHandle } from '../../../runtime/index.ts';
import { CloudletError, type WitType } from '../../protocol/index.ts';
import { caseName } from '../rust/identifier.ts';
import { type KnownTypes, TypeNames } from '../type-names.ts';
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

/** Names AssemblyScript types for WIT types, and collects the definitions of those that the language does not have. */
export class TypeWriter {
  readonly #names: TypeNames;
  readonly #definitions = new Map<string, string>();

  constructor(known: KnownTypes) {
    this.#names = new TypeNames(known, typeName);
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
      case 'unsupported': {
        const handle = this.#names.handle(type);
        if (handle !== null) return this.#names.resource(handle.resource);
        throw new CloudletError(
          'unsupported-type',
          `AssemblyScript functions cannot take or give ${type.what}; use plain values`,
        );
      }
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

  /** The class of an imported resource. */
  resource(resource: ImportedResource): string {
    return this.#names.resource(resource);
  }

  handle(type: WitType): ResourceHandle | null {
    return this.#names.handle(type);
  }

  #defined(type: WitType): string {
    const { name, fresh } = this.#names.of(type);
    if (fresh) this.#definitions.set(name, this.#define(type, name));
    return name;
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
