import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { checkKey, checkValue, type KeyValueError } from './asking.ts';
import { askBucket, type Bucket, type BucketQuestion, bucketContext } from './bucket.ts';

/** `wasi:keyvalue/atomics#cas-error`, as the glue wants it thrown. */
export type CasError =
  | { readonly tag: 'store-error'; readonly val: KeyValueError }
  | { readonly tag: 'cas-failed'; readonly val: Cas };

/** Asks the backend about the bucket, which the guest may have dropped meanwhile. */
type Ask = <Answer>(question: BucketQuestion<Answer>) => Promise<Answer>;

/**
 * `wasi:keyvalue/atomics`'s resource `cas`: the version of a key that the guest saw last. It holds no value, which a guest could multiply
 * by its handles; `current` reads it, and what it read is what `swap` compares with.
 */
export class Cas {
  readonly #context: Context;
  readonly #ask: Ask;
  readonly #key: string;
  #version: number;
  #dropped = false;

  private constructor(context: Context, ask: Ask, key: string, version: number) {
    context.retain();
    this.#context = context;
    this.#ask = ask;
    this.#key = key;
    this.#version = version;
  }

  /** `[static]cas.new`. */
  static async new(bucket: Bucket, key: string): Promise<Cas> {
    const context = bucketContext(bucket);
    checkKey(key);
    const ask: Ask = (question) => askBucket(bucket, question);
    const { version } = await ask((backend, name) => backend.look(name, key));
    return new Cas(context, ask, key, version);
  }

  async current(): Promise<Uint8Array | undefined> {
    const key = this.#key;
    const { version, value } = await this.#ask((backend, name) => backend.look(name, key));
    this.#version = version;
    return value;
  }

  /** `wasi:keyvalue/atomics#swap`. */
  static async swap(cas: Cas, value: Uint8Array): Promise<void> {
    const [key, version] = [cas.#key, cas.#version];
    cas[DISPOSE]();
    let present: number | undefined;
    try {
      checkValue(value);
      present = await cas.#ask((backend, name) => backend.swap(name, key, version, value));
    } catch (error) {
      if (error instanceof Error) throw error;
      throw { tag: 'store-error', val: error as KeyValueError } satisfies CasError;
    }
    if (present === undefined) return;
    throw { tag: 'cas-failed', val: new Cas(cas.#context, cas.#ask, key, present) } satisfies CasError;
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#context.release();
  }
}
