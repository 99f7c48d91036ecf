import { CloudletError } from '../errors.ts';
import type { WitCase, WitField, WitFunction, WitType } from '../wit-type.ts';
import { encodeBase64 } from './base64.ts';
import { bindingName, bindingNames } from './binding-name.ts';
import { checkCallable } from './callable.ts';
import { isScalarValue } from './char.ts';
import { floatToPlain } from './float.ts';
import { bigInteger, integerToJson, smallInteger } from './integer.ts';
import { isNumericKind, NUMERIC_ARRAYS, type NumericKind } from './numeric-list.ts';
import { hasTag, isWrapped } from './option-shape.ts';
import type { ValueFormat } from './value-format.ts';
import { asMembers, expectedGot, ValuePath } from './value-path.ts';

/**
 * Turns what a component's bindings returned into plain data, null for a function that returns nothing. A `result` at the
 * top is `{tag: 'ok' | 'err', val}` like any other. The value comes from where guest code ran, so nothing about its shape is
 * believed: `guest-response-invalid` names the first place that does not fit. When the data would take more than about
 * `budgetBytes` as text, `result-too-large` before it is built.
 */
export function encodeResult(fn: WitFunction, value: unknown, format: ValueFormat, budgetBytes: number): unknown {
  checkCallable(fn);
  const encoder = new Encoder(format, budgetBytes);
  if (fn.result !== null) return encoder.value(fn.result, value);
  if (value !== undefined && value !== null) throw encoder.refused('nothing', value);
  return null;
}

class Encoder {
  readonly #path = new ValuePath();
  readonly #format: ValueFormat;
  readonly #budgetBytes: number;
  #leftBytes: number;

  constructor(format: ValueFormat, budgetBytes: number) {
    this.#format = format;
    this.#budgetBytes = budgetBytes;
    this.#leftBytes = budgetBytes;
  }

  refused(expected: string, value: unknown): CloudletError {
    return new CloudletError(
      'guest-response-invalid',
      `the function's result does not fit its type at ${this.#path}: ${expectedGot(expected, value)}`,
    );
  }

  value(type: WitType, value: unknown): unknown {
    this.#spend(1);
    switch (type.kind) {
      case 'bool':
        if (typeof value !== 'boolean') throw this.refused('bool', value);
        return value;
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
        return this.#number(type.kind, value);
      case 'char':
        if (!isScalarValue(value)) throw this.refused('char', value);
        return value;
      case 'string':
        if (typeof value !== 'string' || !value.isWellFormed()) throw this.refused('string', value);
        this.#spend(value.length);
        return value;
      case 'enum':
        if (typeof value !== 'string' || !type.cases.includes(value)) {
          throw this.refused(`one of ${type.cases.join(', ')}`, value);
        }
        this.#spend(value.length);
        return value;
      case 'list':
        return this.#list(type.element, value);
      case 'tuple':
        if (!Array.isArray(value) || value.length !== type.elements.length) {
          throw this.refused(`an array of ${type.elements.length}`, value);
        }
        return type.elements.map((element, index) => this.#at(index, element, value[index]));
      case 'record':
        return this.#record(type.fields, value);
      case 'variant':
        return this.#variant(type.cases, value);
      case 'flags':
        return this.#flags(type.names, value);
      case 'option':
        return this.#option(type.some, value);
      case 'result':
        return this.#result(type, value);
      case 'unsupported':
        throw new CloudletError('unsupported-type', `${this.#path}: ${type.what} cannot be carried over HTTP yet`);
      default:
        throw type satisfies never;
    }
  }

  #at(step: string | number, type: WitType, value: unknown): unknown {
    this.#path.enter(step);
    const data = this.value(type, value);
    this.#path.leave();
    return data;
  }

  #spend(bytes: number): void {
    this.#leftBytes -= bytes;
    if (this.#leftBytes < 0) {
      throw new CloudletError('result-too-large', `expected a result of at most ${this.#budgetBytes} bytes, got more`);
    }
  }

  #number(kind: NumericKind, value: unknown): unknown {
    if (kind === 'u64' || kind === 's64') {
      const integer = bigInteger(kind, value);
      if (integer === undefined) throw this.refused(kind, value);
      return this.#format === 'json' ? integerToJson(integer) : integer;
    }
    if (kind === 'f32' || kind === 'f64') {
      if (typeof value !== 'number') throw this.refused(kind, value);
      return floatToPlain(kind === 'f32' ? Math.fround(value) : value, this.#format);
    }
    const integer = smallInteger(kind, value);
    if (integer === undefined) throw this.refused(kind, value);
    return integer;
  }

  #list(element: WitType, value: unknown): unknown {
    if (element.kind === 'u8') return this.#bytes(value);
    const items = isNumericKind(element.kind) && value instanceof NUMERIC_ARRAYS[element.kind] ? value : undefined;
    if (items === undefined && !Array.isArray(value)) throw this.refused('a list', value);
    const list = (items ?? value) as ArrayLike<unknown>;
    this.#spend(list.length);
    return Array.from(list, (item, index) => this.#at(index, element, item));
  }

  #bytes(value: unknown): unknown {
    if (!(value instanceof Uint8Array)) throw this.refused('bytes', value);
    this.#spend(this.#format === 'json' ? Math.ceil(value.length / 3) * 4 : value.length);
    return this.#format === 'json' ? encodeBase64(value) : value;
  }

  #record(fields: readonly WitField[], value: unknown): Record<string, unknown> {
    const members = this.#members(value);
    const record: Record<string, unknown> = {};
    const names = bindingNames(fields);
    for (const [index, { name, type }] of fields.entries()) {
      this.#spend(name.length);
      record[name] = this.#at(name, type, own(members, names[index]!));
    }
    return record;
  }

  #variant(cases: readonly WitCase[], value: unknown): { tag: string; val?: unknown } {
    const members = this.#members(value);
    const tag = own(members, 'tag');
    const chosen = cases.find((each) => each.name === tag);
    if (chosen === undefined) throw this.refused(`a tag of ${cases.map((each) => each.name).join(', ')}`, tag);
    this.#spend(chosen.name.length);
    if (chosen.type === null) return { tag: chosen.name };
    return { tag: chosen.name, val: this.#at('val', chosen.type, own(members, 'val')) };
  }

  #result(type: WitType & { kind: 'result' }, value: unknown): Record<string, unknown> {
    const members = this.#members(value);
    const tag = own(members, 'tag');
    if (tag !== 'ok' && tag !== 'err') throw this.refused('a tag of ok, err', tag);
    const payload = type[tag];
    return { [tag]: payload === null ? null : this.#at(tag, payload, own(members, 'val')) };
  }

  #flags(names: readonly string[], value: unknown): string[] {
    const members = this.#members(value);
    return names.filter((name) => {
      this.#spend(name.length);
      const flag = own(members, bindingName(name)) ?? false;
      if (typeof flag !== 'boolean') throw this.refused(`a boolean for the flag ${name}`, flag);
      return flag;
    });
  }

  #option(some: WitType, value: unknown): unknown {
    let content = value;
    let none = value === undefined || value === null;
    if (hasTag(some)) {
      const members = this.#members(value);
      const tag = own(members, 'tag');
      if (tag !== 'some' && tag !== 'none') throw this.refused('a tag of some, none', tag);
      none = tag === 'none';
      content = own(members, 'val');
    }
    if (none) return null;
    return isWrapped(some) ? { some: this.#at('some', some, content) } : this.value(some, content);
  }

  #members(value: unknown): Readonly<Record<string, unknown>> {
    const members = asMembers(value);
    if (members === undefined) throw this.refused('an object', value);
    return members;
  }
}

/** Only what the object itself has: a name like `constructor` must not find what every object inherits. */
function own(members: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}
