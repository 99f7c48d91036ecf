/** Longest key, bytes of UTF-8: a page of keys must fit into one answer. */
export const KEY_BYTES = 1024;

/** Longest name of a bucket, bytes of UTF-8. */
export const BUCKET_NAME_BYTES = 128;

/** Longest value, bytes: it is held in memory as a whole, on both sides. Larger things are blobs. */
export const VALUE_BYTES = 1024 * 1024;

/** Most keys in one call of `wasi:keyvalue/batch`. */
export const BATCH_KEYS = 1000;

/** Bytes of keys and values that one call of `wasi:keyvalue/batch` may move: they are all held in memory. */
export const BATCH_BYTES = 8 * 1024 * 1024;

/** A key and its value. */
export type KeyAndValue = readonly [key: string, value: Uint8Array];

/** A page of the keys of a bucket, oldest first. */
export interface KeyPage {
  readonly keys: readonly string[];
  /** Where the next page begins; null after the last one. */
  readonly cursor: number | null;
}

/** What `wasi:keyvalue` works on: the buckets of one function. Every method may throw `StoreFailure`. */
export interface KeyValueBackend {
  /** Whether the function may have a bucket of this name; `no-such-store` when not. */
  open(bucket: string): Promise<void>;
  /** The values of keys, undefined for a key that is not there. At most `mostBytes` of them together, more is a failure. */
  get(bucket: string, keys: readonly string[], mostBytes: number): Promise<(Uint8Array | undefined)[]>;
  /** Writes all; when it fails some may have been written. */
  set(bucket: string, entries: readonly KeyAndValue[]): Promise<void>;
  /** Deletes those that are there. */
  delete(bucket: string, keys: readonly string[]): Promise<void>;
  exists(bucket: string, key: string): Promise<boolean>;
  /** The keys from a cursor of the page before on; from the first one when it is null. */
  keys(bucket: string, cursor: number | null): Promise<KeyPage>;
  /** Adds to the decimal number under the key, 0 when it is not there. Both numbers are signed, of 64 bits. */
  increment(bucket: string, key: string, delta: bigint): Promise<bigint>;
  /** The value, and a number that is another one after each change of the key; 0 when the key is not there. */
  look(bucket: string, key: string): Promise<{ readonly version: number; readonly value: Uint8Array | undefined }>;
  /** Writes the value when the key's version still is this one, and gives undefined; else changes nothing and gives the present version. */
  swap(bucket: string, key: string, version: number, value: Uint8Array): Promise<number | undefined>;
}
