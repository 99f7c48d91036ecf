import type { ImportedResource, ResourceHandle } from '../../../runtime/index.ts';
import type { WitType } from '../../protocol/index.ts';
import { SCALARS } from '../bindings/scalars.ts';
import { type KnownTypes, TypeNames } from '../bindings/type-names.ts';
import { upperCamel } from '../bindings/word.ts';
import { member, typeName } from './identifier.ts';

const PLAIN: Readonly<Partial<Record<WitType['kind'], string>>> = { ...SCALARS, char: 'u32', string: 'string' };

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

  constructor(known: KnownTypes) {
    this.#names = new TypeNames('AssemblyScript', known, typeName);
  }

  get definitions(): string {
    return [...this.#names.definitions.values()].join('\n');
  }

  /** The type that holds a value; an absent payload of a result is a `bool` that nobody reads. */
  name(type: WitType | null): string {
    if (type === null) return 'bool';
    const scalar = PLAIN[type.kind];
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
        return this.#names.resource(this.#names.handleOf(type).resource);
      default:
        return this.#names.defined(type, (name) => this.#define(type, name));
    }
  }

  #tuple(elements: readonly WitType[]): string {
    const name = `Tuple${elements.length}`;
    if (!this.#names.definitions.has(name)) {
      const types = elements.map((_, at) => `T${at}`).join(', ');
      const fields = elements.map((_, at) => `public f${at}: T${at}`).join(', ');
      this.#names.define(name, `export class ${name}<${types}> {\n  constructor(${fields}) {}\n}\n`);
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
          const made = `    const made = new ${name}(${name}Tag.${upperCamel(c.name)});\n`;
          return `  static of${upperCamel(c.name)}(${param}): ${name} {\n${made}${set}    return made;\n  }\n`;
        });
        return `${tags}\nexport class ${name} {\n${fields.join('')}  constructor(public tag: ${name}Tag) {}\n${makers.join('')}}\n`;
      }
      default:
        throw new TypeError(`${type.kind} needs no definition`);
    }
  }
}

function enumeration(name: string, cases: readonly string[], value: (at: number) => string): string {
  return `export enum ${name} {\n${cases.map((each, at) => `  ${upperCamel(each)} = ${value(at)},\n`).join('')}}\n`;
}
