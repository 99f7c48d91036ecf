import { CloudletError, type WitType } from '../../protocol/index.ts';
import { identifier, snake, upperSnake } from './identifier.ts';

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

/** Most flags of one type that the canonical ABI carries. */
const MAX_FLAGS = 32;

/**
 * Names C types for WIT types and collects their definitions, each after what it is made of.
 *
 * The definitions need no packing or reordering: on wasm32 a C struct is laid out as the canonical ABI lays out the record, and
 * a struct of tag and union as it lays out the variant, so that values in memory are used where they lie.
 */
export class TypeWriter {
  readonly #prefix: string;
  readonly #names: ReadonlyMap<WitType, string>;
  /** Definition by C type name. */
  readonly #definitions = new Map<string, string>();
  /** C type name by the type's shape and author's name: one type may come as several equal objects. */
  readonly #written = new Map<string, string>();

  /** `prefix` is the world's name in C; `names` what the author calls the types. */
  constructor(prefix: string, names: ReadonlyMap<WitType, string>) {
    this.#prefix = prefix;
    this.#names = names;
  }

  /** All definitions so far, in an order in which C accepts them. */
  get definitions(): string {
    return [...this.#definitions.values()].join('\n');
  }

  /** The C type that holds a value of a WIT type. */
  name(type: WitType): string {
    const scalar = SCALARS[type.kind];
    if (scalar !== undefined) return scalar;
    const key = JSON.stringify([this.#label(type), type]);
    const known = this.#written.get(key);
    if (known !== undefined) return known;
    const stem = this.#free(this.#label(type));
    const name = `${this.#prefix}_${stem}_t`;
    this.#written.set(key, name);
    const definition = this.#define(type, name, upperSnake(`${this.#prefix}_${stem}`));
    this.#definitions.set(name, definition);
    return name;
  }

  /** The part of a C type's name that says what it is: `item`, `list_u8`, `option_string`. */
  #label(type: WitType): string {
    const given = this.#names.get(type);
    switch (type.kind) {
      case 'record':
        return snake(given ?? `record_${type.fields.map((field) => field.name).join('_')}`);
      case 'variant':
        return snake(given ?? `variant_${type.cases.map((c) => c.name).join('_')}`);
      case 'enum':
        return snake(given ?? `enum_${type.cases.join('_')}`);
      case 'flags':
        return snake(given ?? `flags_${type.names.join('_')}`);
      case 'list':
        return `list_${this.#label(type.element)}`;
      case 'option':
        return `option_${this.#label(type.some)}`;
      case 'tuple':
        return ['tuple', ...type.elements.map((element) => this.#label(element))].join('_');
      case 'result':
        return `result_${[type.ok, type.err].map((part) => (part === null ? 'none' : this.#label(part))).join('_')}`;
      case 'unsupported':
        throw new CloudletError('unsupported-type', `C functions cannot take or give ${type.what}; use plain values`);
      default:
        return type.kind;
    }
  }

  /** Two interfaces may each have an `item`: the second is `item2`. */
  #free(label: string): string {
    const taken = (stem: string) => [...this.#written.values()].includes(`${this.#prefix}_${stem}_t`);
    let stem = label;
    for (let next = 2; taken(stem); next += 1) stem = `${label}${next}`;
    return stem;
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
        return `typedef ${discriminant(type.cases.length)} ${name};\n${constants(constant, type.cases, (at) => `${at}`)}`;
      case 'flags':
        return `typedef ${flagsType(type.names.length)} ${name};\n${constants(constant, type.names, (at) => `(1u << ${at})`)}`;
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
        return tags + struct([`${discriminant(type.cases.length)} tag;`, ...this.#union(payloads)]);
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

function discriminant(cases: number): string {
  return cases <= 0x100 ? 'uint8_t' : cases <= 0x10000 ? 'uint16_t' : 'uint32_t';
}

function flagsType(flags: number): string {
  if (flags > MAX_FLAGS) {
    throw new CloudletError(
      'unsupported-type',
      `expected flags of at most ${MAX_FLAGS} names, got ${flags}; split them`,
    );
  }
  return flags <= 8 ? 'uint8_t' : flags <= 16 ? 'uint16_t' : 'uint32_t';
}

function constants(prefix: string, names: readonly string[], value: (at: number) => string): string {
  return names.map((name, at) => `#define ${prefix}_${upperSnake(name)} ${value(at)}\n`).join('');
}
