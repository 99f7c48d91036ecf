import { OutsideRefusal } from './outside-service.ts';

/** What a text may be. */
export interface TextBounds {
  /** Bytes of UTF-8. */
  readonly mostBytes: number;
  /** Code of the refusal; `invalid` when left out. */
  readonly code?: string;
}

/**
 * The arguments of a request, which an agent sent that is not trusted: whoever broke out of a guest may have made them. Everything that
 * is taken from them has been checked; what does not fit is an `OutsideRefusal`.
 */
export class CheckedArguments {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(args: unknown) {
    if (args === null || typeof args !== 'object' || Array.isArray(args) || ArrayBuffer.isView(args))
      throw new OutsideRefusal('invalid', `expected named arguments, got ${kindOf(args)}`);
    this.#fields = args as Record<string, unknown>;
  }

  /** A text. */
  text(name: string, bounds: TextBounds): string {
    return checkText(name, this.#field(name), bounds);
  }

  /** A text or null. */
  textOrNull(name: string, bounds: TextBounds): string | null {
    const value = this.#field(name);
    return value === null ? null : checkText(name, value, bounds);
  }

  /** A list of at most so many texts. */
  texts(name: string, mostItems: number, bounds: TextBounds): string[] {
    return this.#list(name, mostItems).map((item) => checkText(`an item of ${name}`, item, bounds));
  }

  /** A list of at most so many integers from 0 on. */
  integers(name: string, mostItems: number, most: number): number[] {
    return this.#list(name, mostItems).map((item) => checkInteger(`an item of ${name}`, item, most));
  }

  /** An integer from 0 on. */
  integer(name: string, most: number): number {
    return checkInteger(name, this.#field(name), most);
  }

  /** An integer from 0 on, or null. */
  integerOrNull(name: string, most: number): number | null {
    const value = this.#field(name);
    return value === null ? null : checkInteger(name, value, most);
  }

  /** A signed integer of 64 bits, in decimal. */
  signed64(name: string): bigint {
    const value = this.#field(name);
    const number = typeof value === 'string' && /^-?[0-9]{1,19}$/.test(value) ? BigInt(value) : undefined;
    if (number === undefined || BigInt.asIntN(64, number) !== number)
      throw wrong(name, 'a signed integer of 64 bits, in decimal', value);
    return number;
  }

  /** True or false. */
  flag(name: string): boolean {
    const value = this.#field(name);
    if (typeof value !== 'boolean') throw wrong(name, 'true or false', value);
    return value;
  }

  /** At most so many bytes, or null. */
  bytesOrNull(name: string, mostBytes: number): Uint8Array | null {
    const value = this.#field(name);
    if (value === null) return null;
    if (value instanceof Uint8Array && value.length <= mostBytes) return value;
    throw wrong(name, `at most ${mostBytes} bytes or null`, value);
  }

  /** An argument that has arguments of its own. */
  inner(name: string): CheckedArguments {
    return new CheckedArguments(this.#field(name));
  }

  #field(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  #list(name: string, mostItems: number): unknown[] {
    const value = this.#field(name);
    if (Array.isArray(value) && value.length <= mostItems) return value;
    throw wrong(name, `a list of at most ${mostItems} items`, value);
  }
}

function checkText(name: string, value: unknown, { mostBytes, code }: TextBounds): string {
  if (typeof value === 'string' && Buffer.byteLength(value) <= mostBytes) return value;
  throw wrong(name, `a text of at most ${mostBytes} bytes`, value, code);
}

function checkInteger(name: string, value: unknown, most: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most) return value;
  throw wrong(name, `an integer from 0 to ${most}`, value);
}

function wrong(name: string, expected: string, value: unknown, code = 'invalid'): OutsideRefusal {
  return new OutsideRefusal(code, `expected ${expected} for ${name}, got ${kindOf(value)}`);
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return `a text of ${Buffer.byteLength(value)} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length} items`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value);
  return `a value of type ${typeof value}`;
}
