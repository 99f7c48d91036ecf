import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { type FieldEntry, isFieldName, isFieldValue, isForbiddenField } from './field.ts';

/** `wasi:http/types#header-error`. */
export interface HeaderError {
  readonly tag: 'invalid-syntax' | 'forbidden' | 'immutable';
}

const INVALID: HeaderError = { tag: 'invalid-syntax' };
const FORBIDDEN: HeaderError = { tag: 'forbidden' };
/** For fields beyond the limits, an object of its own: WASI 0.2 has no better code, and an error is kinder than a trap. */
export const BEYOND_LIMITS: HeaderError = { tag: 'forbidden' };
const IMMUTABLE: HeaderError = { tag: 'immutable' };

interface Stored {
  readonly lower: string;
  readonly entry: FieldEntry;
}

/** `wasi:http/types`'s resource `fields`: headers or trailers, in order, with names compared without case. */
export class Fields {
  readonly context: Context;
  readonly #immutable: boolean;
  #stored: Stored[] = [];
  #bytes = 0;
  #dropped = false;

  private constructor(context: Context, immutable: boolean) {
    context.retain();
    this.context = context;
    this.#immutable = immutable;
  }

  /** Empty fields that the guest may change. */
  static empty(context: Context): Fields {
    return new Fields(context, false);
  }

  /** `[static]fields.from-list`. */
  static fromList(context: Context, entries: readonly FieldEntry[]): Fields {
    const fields = new Fields(context, false);
    try {
      for (const [name, value] of entries) fields.append(name, value);
    } catch (error) {
      fields[DISPOSE]();
      throw error;
    }
    return fields;
  }

  /** What a peer sent, immutable for the guest; fields of the connection are left out. */
  static received(context: Context, entries: readonly FieldEntry[]): Fields {
    const fields = new Fields(context, true);
    for (const entry of entries) {
      const lower = entry[0].toLowerCase();
      if (!isForbiddenField(lower)) fields.#push(lower, entry);
    }
    return fields;
  }

  get(name: string): Uint8Array[] {
    const lower = name.toLowerCase();
    return this.#stored.filter((field) => field.lower === lower).map((field) => field.entry[1]);
  }

  has(name: string): boolean {
    const lower = name.toLowerCase();
    return this.#stored.some((field) => field.lower === lower);
  }

  set(name: string, values: readonly Uint8Array[]): void {
    const lower = this.#changeable(name);
    if (!values.every(isFieldValue)) throw INVALID;
    const kept = this.#stored.filter((field) => field.lower !== lower);
    const size = values.reduce((sum, value) => sum + name.length + value.length, sizeOf(kept));
    this.#throwIfBeyond(kept.length + values.length, size);
    this.#keep(kept);
    for (const value of values) this.#push(lower, [name, value]);
  }

  delete(name: string): void {
    const lower = this.#changeable(name);
    this.#keep(this.#stored.filter((field) => field.lower !== lower));
  }

  append(name: string, value: Uint8Array): void {
    const lower = this.#changeable(name);
    if (!isFieldValue(value)) throw INVALID;
    this.#throwIfBeyond(this.#stored.length + 1, this.#bytes + name.length + value.length);
    this.#push(lower, [name, value]);
  }

  entries(): FieldEntry[] {
    return this.#stored.map((field) => field.entry);
  }

  clone(): Fields {
    return this.#copy(false);
  }

  /** The same fields as a handle through which they cannot be changed. */
  frozen(): Fields {
    return this.#copy(true);
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.context.letGo(this.#bytes);
    this.context.release();
  }

  #copy(immutable: boolean): Fields {
    const copy = new Fields(this.context, immutable);
    copy.#keep([...this.#stored]);
    return copy;
  }

  #push(lower: string, entry: FieldEntry): void {
    const bytes = entry[0].length + entry[1].length;
    this.context.hold(bytes);
    this.#stored.push({ lower, entry });
    this.#bytes += bytes;
  }

  #keep(stored: Stored[]): void {
    const bytes = sizeOf(stored);
    this.context.hold(bytes - this.#bytes);
    this.#stored = stored;
    this.#bytes = bytes;
  }

  #changeable(name: string): string {
    if (this.#immutable) throw IMMUTABLE;
    if (!isFieldName(name)) throw INVALID;
    const lower = name.toLowerCase();
    if (isForbiddenField(lower)) throw FORBIDDEN;
    return lower;
  }

  #throwIfBeyond(count: number, bytes: number): void {
    const { fields, fieldBytes } = this.context.backend.limits;
    if (count > fields || bytes > fieldBytes) throw BEYOND_LIMITS;
  }
}

function sizeOf(stored: readonly Stored[]): number {
  return stored.reduce((sum, { entry }) => sum + entry[0].length + entry[1].length, 0);
}
