import type { WitType } from '../../protocol/index.ts';
import { flatten, payloadsOf } from '../bindings/flat-type.ts';
import { casesOf, discriminantBytes, flagBytes, layoutOf, membersOf } from '../bindings/layout.ts';
import { UNSIGNED } from '../bindings/scalars.ts';
import { upperCamel } from '../bindings/word.ts';
import { member } from './identifier.ts';
import { TYPED_ARRAYS, type TypeWriter } from './type-writer.ts';

/** The bodies of a type's functions. */
interface Bodies {
  readonly load: string;
  readonly store: string;
  readonly lift: string;
  readonly lower: string;
}

/** Writes the functions that take values out of memory, lay them there, and make them of core values and core values of them: four for each type. */
export class ValueWriter {
  readonly #types: TypeWriter;
  readonly #ids = new Map<string, number>();
  readonly #functions: string[] = [];

  constructor(types: TypeWriter) {
    this.#types = types;
  }

  get functions(): string {
    return this.#functions.join('');
  }

  /** The type as the glue writes it, which has the world's types in a namespace. */
  type(type: WitType): string {
    return this.#types.name(type);
  }

  load(type: WitType, at: string): string {
    return `load_${this.#id(type)}(${at})`;
  }

  store(type: WitType, at: string, value: string): string {
    return `store_${this.#id(type)}(${at}, ${value});`;
  }

  /** A value of core values, which lie as 64 bits each from an address on. */
  lift(type: WitType, at: string): string {
    return `lift_${this.#id(type)}(${at})`;
  }

  /** Lays a value down as core values, likewise. */
  lower(type: WitType, at: string, value: string): string {
    return `lower_${this.#id(type)}(${at}, ${value});`;
  }

  #id(type: WitType): number {
    const key = JSON.stringify([this.#types.name(type), type]);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#ids.size;
    this.#ids.set(key, id);
    const name = this.#types.name(type);
    const { load, store, lift, lower } = this.#bodies(type, name);
    this.#functions.push(
      `export function load_${id}(at: usize): ${name} {\n${load}}\n`,
      `export function store_${id}(at: usize, value: ${name}): void {\n${store}}\n`,
      `export function lift_${id}(at: usize): ${name} {\n${lift}}\n`,
      `export function lower_${id}(at: usize, value: ${name}): void {\n${lower}}\n`,
    );
    return id;
  }

  #bodies(type: WitType, name: string): Bodies {
    const plain = (memory: string) => ({
      load: `  return <${name}>load<${memory}>(at);\n`,
      store: `  store<${memory}>(at, <${memory}>value);\n`,
      lift: `  return <${name}>load<u64>(at);\n`,
      lower: '  store<u64>(at, <u64>value);\n',
    });
    switch (type.kind) {
      case 'bool':
        return {
          load: '  return load<u8>(at) != 0;\n',
          store: '  store<u8>(at, value ? 1 : 0);\n',
          lift: '  return load<u64>(at) != 0;\n',
          lower: '  store<u64>(at, value ? 1 : 0);\n',
        };
      case 'f32':
        return {
          ...plain('f32'),
          lift: '  return reinterpret<f32>(<u32>load<u64>(at));\n',
          lower: '  store<u64>(at, <u64>reinterpret<u32>(value));\n',
        };
      case 'f64':
        return {
          ...plain('f64'),
          lift: '  return reinterpret<f64>(load<u64>(at));\n',
          lower: '  store<u64>(at, reinterpret<u64>(value));\n',
        };
      case 'enum':
        return plain(UNSIGNED[discriminantBytes(type.cases.length)]);
      case 'flags':
        return plain(UNSIGNED[flagBytes(type.names.length)]);
      case 'string':
        return this.#pair('takeString(start, length)', 'giveString(at, value)');
      case 'list':
        return this.#list(type.element, name);
      case 'record':
        return this.#members(
          type.fields.map((field) => [member(field.name), field.type]),
          name,
        );
      case 'tuple':
        return this.#members(
          type.elements.map((element, at) => [`f${at}`, element]),
          name,
        );
      case 'variant':
      case 'option':
      case 'result':
        return this.#cases(type, name);
      case 'unsupported': {
        const given = this.#types.handle(type)?.mode === 'own' ? 'value.give_()' : 'value.handle_';
        return {
          load: `  return new ${name}(load<u32>(at));\n`,
          store: `  store<u32>(at, ${given});\n`,
          lift: `  return new ${name}(<u32>load<u64>(at));\n`,
          lower: `  store<u64>(at, <u64>${given});\n`,
        };
      }
      default:
        return plain(name);
    }
  }

  #pair(take: string, give: string) {
    return {
      load: `  const start: usize = load<u32>(at), length: i32 = load<u32>(at + 4);\n  return ${take};\n`,
      store: `  ${give};\n`,
      lift: `  const start: usize = <u32>load<u64>(at), length: i32 = <i32>load<u64>(at + 8);\n  return ${take};\n`,
      // The slots of the pair have room for its form in memory, which is read before they are written.
      lower: `  ${give};\n  const start = load<u32>(at), length = load<u32>(at + 4);\n  store<u64>(at, <u64>start);\n  store<u64>(at + 8, <u64>length);\n`,
    };
  }

  #list(element: WitType, name: string) {
    const { size, align } = layoutOf(element);
    const typed = TYPED_ARRAYS[element.kind] !== undefined;
    if (typed)
      return this.#pair(
        `takeNumbers<${name}>(start, length, ${size})`,
        `giveNumbers<${name}>(at, value, ${size}, ${align})`,
      );
    const take = `
  const list = new ${name}(length);
  for (let index = 0; index < length; index++) list[index] = ${this.load(element, `start + index * ${size}`)};
  return list`;
    const give = `const start = value.length == 0 ? <usize>${align} : take(value.length * ${size});
  store<u32>(at, <u32>start);
  store<u32>(at + 4, value.length);
  for (let index = 0; index < value.length; index++) ${this.store(element, `start + index * ${size}`, 'value[index]')}`;
    const { load, store, lift, lower } = this.#pair('@', give);
    // The block keeps the names of the two apart.
    return {
      load: load.replace('\n  return @', take),
      store,
      lift: lift.replace('\n  return @', take),
      lower: `  {\n  ${give};\n  }\n${lower.slice(lower.indexOf('  const start = load'))}`,
    };
  }

  #members(members: readonly (readonly [string, WitType])[], name: string) {
    const { offsets } = membersOf(members.map(([, type]) => type));
    let slot = 0;
    const slots = members.map(([, type]) => {
      const own = slot;
      slot += flatten(type).length;
      return own * 8;
    });
    const each = (work: (type: WitType, at: number) => string) =>
      members.map(([, type], at) => work(type, at)).join(', ');
    return {
      load: `  return new ${name}(${each((type, at) => this.load(type, `at + ${offsets[at]}`))});\n`,
      store: members
        .map(([field, type], at) => `  ${this.store(type, `at + ${offsets[at]}`, `value.${field}`)}\n`)
        .join(''),
      lift: `  return new ${name}(${each((type, at) => this.lift(type, `at + ${slots[at]}`))});\n`,
      lower: members
        .map(([field, type], at) => `  ${this.lower(type, `at + ${slots[at]}`, `value.${field}`)}\n`)
        .join(''),
    };
  }

  #cases(type: WitType & { readonly kind: 'variant' | 'option' | 'result' }, name: string) {
    const payloads = payloadsOf(type) ?? [];
    const { payload } = casesOf(payloads);
    const tag = UNSIGNED[discriminantBytes(payloads.length)];
    const { made, member: field, value } = formOf(type, name);
    const arms = (read: (inner: WitType) => string) =>
      payloads
        .map((inner, at) => `    case ${at}: return ${made(at, inner === null ? null : read(inner))};\n`)
        .join('');
    const stores = payloads.map((inner, at) =>
      inner === null ? '' : `  if (tag == ${at}) ${this.store(inner, `at + ${payload}`, `value.${field(at)}`)}\n`,
    );
    const lowers = payloads.map((inner, at) =>
      inner === null ? '' : `  if (tag == ${at}) ${this.lower(inner, 'at + 8', `value.${field(at)}`)}\n`,
    );
    const end = '    default: return unreachable();\n  }\n';
    return {
      load: `  switch (<i32>load<${tag}>(at)) {\n${arms((inner) => this.load(inner, `at + ${payload}`))}${end}`,
      store: `  const tag: i32 = ${value};\n  store<${tag}>(at, <${tag}>tag);\n${stores.join('')}`,
      lift: `  switch (<i32>load<u64>(at)) {\n${arms((inner) => this.lift(inner, 'at + 8'))}${end}`,
      lower: `  const tag: i32 = ${value};\n  memory.fill(at, 0, ${flatten(type).length * 8});\n  store<u64>(at, <u64>tag);\n${lowers.join('')}`,
    };
  }
}

/** How the class of a variant is made and read. */
function formOf(type: WitType & { readonly kind: 'variant' | 'option' | 'result' }, name: string) {
  switch (type.kind) {
    case 'option':
      return {
        made: (_: number, value: string | null) =>
          value === null ? `none<${name.slice('Option<'.length, -1)}>()` : `new ${name}(true, ${value})`,
        member: () => 'value',
        value: 'value.isSome ? 1 : 0',
      };
    case 'result':
      return {
        made: (at: number, value: string | null) =>
          `${at === 0 ? 'ok' : 'err'}<${name.slice('Result<'.length, -1)}>(${value ?? 'true'})`,
        member: (at: number) => (at === 0 ? 'ok' : 'err'),
        value: 'value.isOk ? 0 : 1',
      };
    case 'variant':
      return {
        made: (at: number, value: string | null) =>
          `${name}.of${upperCamel(type.cases[at]?.name ?? '')}(${value ?? ''})`,
        member: (at: number) => member(type.cases[at]?.name ?? ''),
        value: 'value.tag',
      };
  }
}
