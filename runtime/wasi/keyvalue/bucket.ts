import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { textBytes } from '../text-bytes.ts';
import { askKeyValue, checkKey, checkValue, type KeyValueError, otherError } from './asking.ts';
import { BUCKET_NAME_BYTES, type KeyAndValue, type KeyValueBackend } from './key-value-backend.ts';

const CURSOR = /^(0|[1-9][0-9]{0,14})$/;

let contextOf: (bucket: Bucket) => Context;
let nameOf: (bucket: Bucket) => string;

/** `wasi:keyvalue/store`'s resource `bucket`. */
export class Bucket {
  readonly #context: Context;
  readonly #name: string;
  #dropped = false;

  private constructor(context: Context, name: string) {
    context.retain();
    this.#context = context;
    this.#name = name;
  }

  /** `wasi:keyvalue/store#open`. */
  static async open(context: Context, identifier: string): Promise<Bucket> {
    await askKeyValue(context, async (backend) => {
      if (textBytes(identifier, BUCKET_NAME_BYTES) > BUCKET_NAME_BYTES)
        throw { tag: 'no-such-store' } satisfies KeyValueError;
      await backend.open(identifier);
    });
    return new Bucket(context, identifier);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    checkKey(key);
    const [value] = await askBucket(this, (backend, name) => backend.get(name, [key], Number.MAX_SAFE_INTEGER));
    return value;
  }

  async set(key: string, value: Uint8Array): Promise<void> {
    checkKey(key);
    checkValue(value);
    const entries: KeyAndValue[] = [[key, value]];
    await askBucket(this, (backend, name) => backend.set(name, entries));
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    await askBucket(this, (backend, name) => backend.delete(name, [key]));
  }

  async exists(key: string): Promise<boolean> {
    checkKey(key);
    return askBucket(this, (backend, name) => backend.exists(name, key));
  }

  /** The cursor is a number in decimal: so it is right for `0.2.0-draft`, where it is a u64, and for `draft2`, where it is a string. */
  async listKeys(
    cursor: string | bigint | undefined,
  ): Promise<{ readonly keys: readonly string[]; readonly cursor: string | undefined }> {
    const from = cursor === undefined ? null : parseCursor(String(cursor));
    const page = await askBucket(this, (backend, name) => backend.keys(name, from));
    return { keys: page.keys, cursor: page.cursor === null ? undefined : String(page.cursor) };
  }

  // Not methods: a component may declare any method of a resource that it imports, and the glue would call it.
  static {
    contextOf = (bucket) => bucket.#context;
    nameOf = (bucket) => bucket.#name;
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#context.release();
  }
}

/** A question to the backend about one bucket. */
export type BucketQuestion<Answer> = (backend: KeyValueBackend, name: string) => Promise<Answer>;

/** Asks the backend about a bucket. */
export function askBucket<Answer>(bucket: Bucket, question: BucketQuestion<Answer>): Promise<Answer> {
  const name = nameOf(bucket);
  return askKeyValue(contextOf(bucket), (backend) => question(backend, name));
}

/** Whom a bucket works for. */
export function bucketContext(bucket: Bucket): Context {
  return contextOf(bucket);
}

function parseCursor(cursor: string): number {
  if (CURSOR.test(cursor)) return Number(cursor);
  throw otherError(`expected a cursor that list-keys gave, got ${JSON.stringify(cursor.slice(0, 40))}`);
}
