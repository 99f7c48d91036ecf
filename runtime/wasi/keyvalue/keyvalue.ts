import type { ContextSeat } from '../context.ts';
import { checkKey, otherError } from './asking.ts';
import { deleteMany, getMany, setMany } from './batch.ts';
import { askBucket, Bucket } from './bucket.ts';
import { Cas } from './cas.ts';

const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

/** The interfaces of `wasi:keyvalue` that a guest imports. */
export function keyValueInterfaces(seat: ContextSeat) {
  return {
    'wasi:keyvalue/store': { Bucket, open: (identifier: string) => Bucket.open(seat.context, identifier) },
    'wasi:keyvalue/atomics': { Cas, increment, swap: Cas.swap },
    'wasi:keyvalue/batch': { deleteMany, getMany, setMany },
  };
}

/** `wasi:keyvalue/atomics#increment`; in `0.2.0-draft` the delta is a u64, of which half can be stored. */
async function increment(bucket: Bucket, key: string, delta: bigint): Promise<bigint> {
  checkKey(key);
  if (delta < LEAST || delta > MOST) throw otherError(`expected a delta of at most ${MOST}, got ${delta}`);
  return askBucket(bucket, (backend, name) => backend.increment(name, key, delta));
}
