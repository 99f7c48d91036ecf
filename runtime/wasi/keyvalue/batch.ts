import { checkKey, checkValue, otherError } from './asking.ts';
import { askBucket, type Bucket } from './bucket.ts';
import { BATCH_BYTES, BATCH_KEYS, type KeyAndValue } from './key-value-backend.ts';

/** `wasi:keyvalue/batch#get-many`. */
export async function getMany(bucket: Bucket, keys: readonly string[]): Promise<(KeyAndValue | undefined)[]> {
  checkKeys(keys);
  const values = await askBucket(bucket, (backend, name) => backend.get(name, keys, BATCH_BYTES));
  return values.map((value, index) => (value === undefined ? undefined : [keys[index]!, value]));
}

/** `wasi:keyvalue/batch#set-many`. */
export async function setMany(bucket: Bucket, entries: readonly KeyAndValue[]): Promise<void> {
  checkKeys(entries.map(([key]) => key));
  let bytes = 0;
  for (const [key, value] of entries) {
    checkValue(value);
    bytes += key.length + value.length;
  }
  if (bytes > BATCH_BYTES)
    throw otherError(`expected a batch of at most ${BATCH_BYTES} bytes, got ${bytes}; set fewer keys at once`);
  await askBucket(bucket, (backend, name) => backend.set(name, entries));
}

/** `wasi:keyvalue/batch#delete-many`. */
export async function deleteMany(bucket: Bucket, keys: readonly string[]): Promise<void> {
  checkKeys(keys);
  await askBucket(bucket, (backend, name) => backend.delete(name, keys));
}

function checkKeys(keys: readonly string[]): void {
  if (keys.length > BATCH_KEYS) throw otherError(`expected at most ${BATCH_KEYS} keys in a batch, got ${keys.length}`);
  for (const key of keys) checkKey(key);
}
