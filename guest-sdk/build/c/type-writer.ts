import type { ImportedResource } from '../../../runtime/index.ts';
import type { WitType } from '../../protocol/index.ts';
import { discriminantBytes, flagBytes } from '../bindings/layout.ts';
import { type KnownTypes, TypeNames } from '../bindings/type-names.ts';
import { snake, upperSnake } from '../bindings/word.ts';
import { identifier } from './identifier.ts';

const SCALARS: Readonly<Partial<Record<WitType['kind'], string>>> = {
  bool: 'bool',
  s8: 'int8_t',
  u8: 'uint8_t',
  s16: 'int16_t',
  u16: 'uint16_t',
  s32: 'int32_t',
  u32: 'uint32_t',
  s64: 'int64_t',
  u64: 'uint64_t',
  f32: 'float',
  f64: 'double',
  char: 'uint32_t',
};

const UNSIGNED = { 1: 'uint8_t', 2: 'uint16_t', 4: 'uint32_t' } as const;

/**
 * Names C types for WIT types and collects their definitions, each after what it is made of.
 *
 * The definitions need no packing or reordering: on wasm32 a C struct is laid out as the canonical ABI lays out the record, and
 * a struct of tag and union as it lays out the variant, so that values in memory are used where they lie.
 */
export class TypeWriter {
  readonly #prefix: string;
  readonly #names: TypeNames;

  /** `prefix` is the world's name in C. */
  constructor(prefix: string, known: KnownTypes) {
    this.#prefix = prefix;
    this.#names = new TypeNames('C', known, snake);
  }

  /** All definitions so far, in an order in which C accepts them. */
  get definitions(): string {
    return [...this.#names.definitions.values()].join('\n');
  }

  /** The C type that holds a value of a WIT type. */
  name(type: WitType): string {
    const scalar = SCALARS[type.kind];
    if (scalar !== undefined) return scalar;
    if (type.kind === 'unsupported') return this.#resource(this.#names.handleOf(type).resource);
    const typeOf = (stem: string) => `${this.#prefix}_${stem}_t`;
    const constant = (stem: string) => upperSnake(`${this.#prefix}_${stem}`);
    return typeOf(this.#names.defined(type, (stem) => this.#define(type, typeOf(stem), constant(stem))));
  }

  /** What the C type of a resource, and its functions, are called between the world's name and what follows. */
  resourceStem(resource: ImportedResource): string {
    return this.#names.resource(resource);
  }

  #resource(resource: ImportedResource): string {
    const stem = this.resourceStem(resource);
    const name = `${this.#prefix}_${stem}_t`;
    this.#names.define(
      stem,
      `/* A handle of \`${resource.name}\`. */\ntypedef struct {\n  uint32_t handle;\n} ${name};\n`,
    );
    return name;
  }

  #define(type: WitType, name: string, constant: string): string {
    const struct = (body: readonly string[]) =>
      `typedef struct {\n${body.map((line) => `  ${line}\n`).join('')}} ${name};\n`;
    switch (type.kind) {
      case 'string':
        return `/* UTF-8, not ended by a zero byte. */\n${struct(['char *data;', 'size_t length;'])}`;
      case 'list':
        return struct([`${this.name(type.element)} *data;`, 'size_t length;']);
      case 'record':
        return struct(type.fields.map((field) => `${this.name(field.type)} ${identifier(field.name)};`));
      case 'tuple':
        return struct(type.elements.map((element, at) => `${this.name(element)} f${at};`));
      case 'enum':
        return `typedef ${UNSIGNED[discriminantBytes(type.cases.length)]} ${name};\n${constants(constant, type.cases, (at) => `${at}`)}`;
      case 'flags':
        return `typedef ${UNSIGNED[flagBytes(type.names.length)]} ${name};\n${constants(constant, type.names, (at) => `(1u << ${at})`)}`;
      case 'option':
        return struct(['bool is_some;', `${this.name(type.some)} value;`]);
      case 'result':
        return struct([
          'bool is_err;',
          ...this.#union([
            ['ok', type.ok],
            ['err', type.err],
          ]),
        ]);
      case 'variant': {
        const tags = constants(
          constant,
          type.cases.map((c) => c.name),
          (at) => `${at}`,
        );
        const payloads = type.cases.map((c) => [identifier(c.name), c.type] as const);
        return tags + struct([`${UNSIGNED[discriminantBytes(type.cases.length)]} tag;`, ...this.#union(payloads)]);
      }
      default:
        throw new TypeError(`${type.kind} needs no definition`);
    }
  }

  #union(members: readonly (readonly [string, WitType | null])[]): string[] {
    const lines = members.flatMap(([name, type]) => (type === null ? [] : [`  ${this.name(type)} ${name};`]));
    return lines.length === 0 ? [] : ['union {', ...lines, '} of;'];
  }
}

function constants(prefix: string, names: readonly string[], value: (at: number) => string): string {
  return names.map((name, at) => `#define ${prefix}_${upperSnake(name)} ${value(at)}\n`).join('');
}
