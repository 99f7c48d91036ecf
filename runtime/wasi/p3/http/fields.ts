import type { Context } from '../../context.ts';
import { DISPOSE } from '../../dispose.ts';
import type { FieldEntry } from '../../http/field.ts';
import { BEYOND_LIMITS, Fields } from '../../http/fields.ts';

/** `wasi:http/types#header-error` of WASI 0.3 for fields beyond the limits. */
const SIZE_EXCEEDED = { tag: 'size-exceeded' } as const;

/** `wasi:http/types`'s resource `fields` in WASI 0.3: that of 0.2 under other names. */
export class Fields3 {
  readonly #plain: Fields;

  private constructor(plain: Fields) {
    this.#plain = plain;
  }

  /** Empty fields that the guest may change. */
  static empty(context: Context): Fields3 {
    return new Fields3(Fields.empty(context));
  }

  /** `[static]fields.from-list`. */
  static fromList(context: Context, entries: readonly FieldEntry[]): Fields3 {
    const fields = Fields3.empty(context);
    try {
      for (const [name, value] of entries) fields.append(name, value);
    } catch (error) {
      fields[DISPOSE]();
      throw error;
    }
    return fields;
  }

  /** What a peer sent, immutable for the guest; fields of the connection are left out. */
  static received(context: Context, entries: readonly FieldEntry[]): Fields3 {
    return new Fields3(Fields.received(context, entries));
  }

  get context(): Context {
    return this.#plain.context;
  }

  get(name: string): Uint8Array[] {
    return this.#plain.get(name);
  }

  has(name: string): boolean {
    return this.#plain.has(name);
  }

  set(name: string, values: readonly Uint8Array[]): void {
    sized(() => this.#plain.set(name, values));
  }

  delete(name: string): void {
    this.#plain.delete(name);
  }

  getAndDelete(name: string): Uint8Array[] {
    const values = this.#plain.get(name);
    this.#plain.delete(name);
    return values;
  }

  /** Under the name with which the field is there already: names differ by their letters' case only for the eye. */
  append(name: string, value: Uint8Array): void {
    const lower = name.toLowerCase();
    const present = this.#plain.has(name)
      ? this.#plain.entries().find(([other]) => other.toLowerCase() === lower)
      : undefined;
    sized(() => this.#plain.append(present?.[0] ?? name, value));
  }

  copyAll(): FieldEntry[] {
    return this.#plain.entries();
  }

  clone(): Fields3 {
    return new Fields3(this.#plain.clone());
  }

  /** The same fields as a handle through which they cannot be changed. */
  frozen(): Fields3 {
    return new Fields3(this.#plain.frozen());
  }

  [DISPOSE](): void {
    this.#plain[DISPOSE]();
  }
}

function sized(operation: () => void): void {
  try {
    operation();
  } catch (error) {
    throw error === BEYOND_LIMITS ? SIZE_EXCEEDED : error;
  }
}
