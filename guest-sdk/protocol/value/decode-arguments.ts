import { CloudletError } from '../errors.ts';
import { formatType, type WitCase, type WitField, type WitFunction, type WitType } from '../wit-type.ts';
import { decodeBase64 } from './base64.ts';
import { bindingName, bindingNames } from './binding-name.ts';
import { checkCallable } from './callable.ts';
import { isScalarValue } from './char.ts';
import { floatOfPlain, toF32 } from './float.ts';
import { bigInteger, parseDecimal, smallInteger } from './integer.ts';
import { isNumericKind, NUMERIC_ARRAYS, type NumericKind } from './numeric-list.ts';
import { hasTag, isWrapped } from './option-shape.ts';
import type { ValueFormat } from './value-format.ts';
import { asMembers, expectedGot, ValuePath } from './value-path.ts';

/**
 * Turns the plain data of a call's body into what the bindings of a component take, one item a parameter. Strict:
 * `argument-invalid` names the first place that does not fit (`$[1].crop.width: expected u32, got "x"`), `unsupported-type`
 * a parameter, or the result, that cannot be carried. A field whose type is an option may be left out; every other must be
 * there. Finite numbers for f32 are rounded to the nearest f32; those beyond its range are refused.
 */
export function decodeArguments(fn: WitFunction, data: unknown, format: ValueFormat): unknown[] {
  checkCallable(fn);
  const decoder = new Decoder(format);
  if (!Array.isArray(data) || data.length !== fn.params.length) {
    const params = fn.params.map((param) => `${param.name}: ${formatType(param.type)}`).join(', ');
    throw decoder.refused(`an array of ${fn.params.length} arguments${params === '' ? '' : ` (${params})`}`, data);
  }
  return decoder.items(
    fn.params.map((param) => param.type),
    data,
  );
}

class Decoder {
  readonly #path = new ValuePath();
  readonly #format: ValueFormat;

  constructor(format: ValueFormat) {
    this.#format = format;
  }

  refused(expected: string, value: unknown): CloudletError {
    return new CloudletError('argument-invalid', `${this.#path}: ${expectedGot(expected, value)}`);
  }

  items(types: readonly WitType[], data: readonly unknown[]): unknown[] {
    return types.map((type, index) => this.#at(index, type, data[index]));
  }

  #at(step: string | number, type: WitType, data: unknown): unknown {
    this.#path.enter(step);
    const value = this.#value(type, data);
    this.#path.leave();
    return value;
  }

  #value(type: WitType, data: unknown): unknown {
    switch (type.kind) {
      case 'bool':
        if (typeof data !== 'boolean') throw this.refused('bool', data);
        return data;
      case 'u8':
      case 's8':
      case 'u16':
      case 's16':
      case 'u32':
      case 's32':
      case 'u64':
      case 's64':
      case 'f32':
      case 'f64':
        return this.#number(type.kind, data);
      case 'char':
        if (!isScalarValue(data)) throw this.refused('char: a string of one Unicode scalar value', data);
        return data;
      case 'string':
        if (typeof data !== 'string') throw this.refused('string', data);
        if (!data.isWellFormed()) throw this.refused('string without unpaired surrogates', data);
        return data;
      case 'enum':
        if (typeof data !== 'string' || !type.cases.includes(data))
          throw this.refused(`one of ${type.cases.join(', ')}`, data);
        return data;
      case 'list':
        return this.#list(type.element, data);
      case 'tuple':
        if (!Array.isArray(data) || data.length !== type.elements.length) {
          throw this.refused(`tuple: an array of ${type.elements.length}`, data);
        }
        return this.items(type.elements, data);
      case 'record':
        return this.#record(type.fields, data);
      case 'variant':
        return this.#variant(type.cases, data);
      case 'flags':
        return this.#flags(type.names, data);
      case 'option':
        return this.#option(type.some, data);
      case 'result':
        return this.#result(type, data);
      case 'unsupported':
        throw new CloudletError('unsupported-type', `${this.#path}: ${type.what} cannot be carried over HTTP yet`);
      default:
        throw type satisfies never;
    }
  }

  #number(kind: NumericKind, data: unknown): number | bigint {
    const value =
      kind === 'u64' || kind === 's64'
        ? this.#integer64(kind, data)
        : kind === 'f32' || kind === 'f64'
          ? this.#float(kind, data)
          : smallInteger(kind, data);
    if (value === undefined) throw this.refused(EXPECTED[kind] ?? kind, data);
    return value;
  }

  #integer64(kind: 's64' | 'u64', data: unknown): bigint | undefined {
    return bigInteger(kind, this.#format === 'json' && typeof data === 'string' ? parseDecimal(data) : data);
  }

  #float(kind: 'f32' | 'f64', data: unknown): number | undefined {
    const number = floatOfPlain(data);
    if (number === undefined) return undefined;
    return kind === 'f32' ? toF32(number) : number;
  }

  #list(element: WitType, data: unknown): unknown {
    if (element.kind === 'u8') return this.#bytes(data);
    if (!Array.isArray(data)) throw this.refused(`${formatType({ kind: 'list', element })}: an array`, data);
    if (!isNumericKind(element.kind)) return data.map((item, index) => this.#at(index, element, item));
    const list = new NUMERIC_ARRAYS[element.kind](data.length);
    for (const [index, item] of data.entries()) list[index] = this.#at(index, element, item) as never;
    return list;
  }

  #bytes(data: unknown): Uint8Array {
    if (this.#format === 'msgpack') {
      if (!(data instanceof Uint8Array)) throw this.refused('list<u8>: bin', data);
      return data;
    }
    const bytes = typeof data === 'string' ? decodeBase64(data) : undefined;
    if (bytes === undefined) throw this.refused('list<u8>: a base64 string (padded, without line breaks)', data);
    return bytes;
  }

  #record(fields: readonly WitField[], data: unknown): Record<string, unknown> {
    const members = asMembers(data);
    if (members === undefined)
      throw this.refused(`record: an object with ${fields.map((field) => field.name).join(', ')}`, data);
    const record: Record<string, unknown> = {};
    const names = bindingNames(fields);
    let known = 0;
    for (const [index, { name, type }] of fields.entries()) {
      const present = Object.hasOwn(members, name);
      if (!present && type.kind !== 'option') throw this.refused(`the field "${name}": ${formatType(type)}`, undefined);
      if (present) known += 1;
      record[names[index]!] = this.#at(name, type, present ? members[name] : null);
    }
    this.#onlyKnown(members, known, fields);
    return record;
  }

  /** Looks for the stranger only when there is one. */
  #onlyKnown(
    members: Readonly<Record<string, unknown>>,
    known: number,
    fields: readonly { readonly name: string }[],
  ): void {
    const keys = Object.keys(members);
    if (keys.length === known) return;
    const stranger = keys.find((key) => !fields.some((field) => field.name === key));
    throw this.refused(`no fields but ${fields.map((field) => field.name).join(', ')}`, stranger);
  }

  #variant(cases: readonly WitCase[], data: unknown): { tag: string; val?: unknown } {
    const members = asMembers(data);
    const tag = members !== undefined && Object.hasOwn(members, 'tag') ? members['tag'] : undefined;
    const chosen = cases.find((each) => each.name === tag);
    if (members === undefined || chosen === undefined) {
      const got = members === undefined ? data : tag;
      throw this.refused(`variant: an object whose "tag" is one of ${cases.map((each) => each.name).join(', ')}`, got);
    }
    const hasVal = Object.hasOwn(members, 'val');
    this.#onlyKnown(members, hasVal ? 2 : 1, TAG_AND_VAL);
    const val = this.#payload('val', chosen.type, hasVal ? members['val'] : undefined);
    return chosen.type === null ? { tag: chosen.name } : { tag: chosen.name, val };
  }

  /** What a case carries; a case that carries nothing takes nothing, or null. */
  #payload(step: string, type: WitType | null, data: unknown): unknown {
    if (type !== null) return this.#at(step, type, data ?? null);
    if (data === undefined || data === null) return undefined;
    this.#path.enter(step);
    throw this.refused('null, since this case carries nothing', data);
  }

  #result(type: WitType & { kind: 'result' }, data: unknown): { tag: 'ok' | 'err'; val: unknown } {
    const members = asMembers(data);
    const keys = members === undefined ? [] : Object.keys(members);
    const tag = keys[0];
    if (members === undefined || keys.length !== 1 || (tag !== 'ok' && tag !== 'err')) {
      throw this.refused('result: an object with either "ok" or "err"', data);
    }
    return { tag, val: this.#payload(tag, type[tag], members[tag]) };
  }

  #flags(names: readonly string[], data: unknown): Record<string, boolean> {
    if (!Array.isArray(data)) throw this.refused(`flags: an array of ${names.join(', ')}`, data);
    const flags: Record<string, boolean> = {};
    for (const name of names) flags[bindingName(name)] = false;
    for (const [index, name] of data.entries()) {
      this.#path.enter(index);
      if (typeof name !== 'string' || !names.includes(name)) throw this.refused(`one of ${names.join(', ')}`, name);
      if (flags[bindingName(name)] === true) throw this.refused('each flag once', name);
      flags[bindingName(name)] = true;
      this.#path.leave();
    }
    return flags;
  }

  #option(some: WitType, data: unknown): unknown {
    const tagged = hasTag(some);
    if (data === null) return tagged ? { tag: 'none' } : undefined;
    const val = isWrapped(some) ? this.#wrapped(some, data) : this.#value(some, data);
    return tagged ? { tag: 'some', val } : val;
  }

  #wrapped(some: WitType, data: unknown): unknown {
    const members = asMembers(data);
    if (members === undefined || !Object.hasOwn(members, 'some') || Object.keys(members).length !== 1) {
      throw this.refused(`${formatType({ kind: 'option', some })}: null or {"some": …}`, data);
    }
    return this.#at('some', some, members['some']);
  }
}

const TAG_AND_VAL = [{ name: 'tag' }, { name: 'val' }];

/** What to say beyond the name of a type. */
const EXPECTED: { readonly [kind in NumericKind]?: string } = {
  u64: 'u64 (a decimal string in JSON when it is beyond 2^53)',
  s64: 's64 (a decimal string in JSON when it is beyond 2^53)',
};
