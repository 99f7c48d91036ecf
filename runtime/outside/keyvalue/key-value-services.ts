import { BATCH_BYTES, BATCH_KEYS, BUCKET_NAME_BYTES, KEY_BYTES, VALUE_BYTES } from '../../wasi/index.ts';
import { CheckedArguments } from '../checked-arguments.ts';
import type { FunctionAccount } from '../function-account.ts';
import {
  type OutsideAnswer,
  OutsideRefusal,
  type OutsideRequest,
  type OutsideService,
  type OutsideServices,
} from '../outside-service.ts';
import { readExactly, sendAll } from '../transfer.ts';
import type { BucketPlace, KeyValueStore } from './key-value-store.ts';

/** Bytes of values that go in the answer itself; more follow it as a body. */
const INLINE_BYTES = 32 * 1024;

/** Bytes of values in one answer; the agent asks again for the keys that are left. */
const ANSWER_BYTES = 4 * 1024 * 1024;

const KEY = { mostBytes: KEY_BYTES, code: 'other' };
const BUCKET = { mostBytes: BUCKET_NAME_BYTES, code: 'no-such-store' };

/** Keys of a request that are seen to at once; each takes about 10 µs, and one message of an agent can bring 64 requests of 1000. */
const KEYS_AT_ONCE = 16;

/** For whom the services are, and what he may have. */
export interface KeyValueOwner {
  readonly account: FunctionAccount;
  /** Bytes of names, keys and values, and of `ENTRY_BYTES` for each entry. */
  readonly quotaBytes: number;
}

/** A request with its arguments and its bucket checked. */
interface Asked {
  readonly args: CheckedArguments;
  readonly place: BucketPlace;
  readonly request: OutsideRequest;
}

/** The services behind `wasi:keyvalue`: the buckets of one function. */
export function keyValueServices(store: KeyValueStore, { account, quotaBytes }: KeyValueOwner): OutsideServices {
  const service =
    (work: (asked: Asked) => unknown): OutsideService =>
    async (request) => ({ value: await work(ask(request, account)) });
  const paced = <Result>(keys: readonly string[], { signal }: OutsideRequest, work: () => Result) =>
    keys.length <= KEYS_AT_ONCE ? work() : account.inTurn(work, signal);
  return {
    'keyvalue.open': service(() => null),
    'keyvalue.exists': service(({ args, place }) => store.look(place, args.text('key', KEY)).version > 0),
    'keyvalue.delete': service(async ({ args, place, request }) => {
      const keys = args.texts('keys', BATCH_KEYS, KEY);
      await paced(keys, request, () => store.delete(place, keys));
      return null;
    }),
    'keyvalue.keys': service(({ args, place }) =>
      store.keys(place, args.integerOrNull('cursor', Number.MAX_SAFE_INTEGER)),
    ),
    'keyvalue.increment': service(({ args, place }) =>
      String(store.increment(place, args.text('key', KEY), args.signed64('delta'), quotaBytes)),
    ),
    'keyvalue.set': service(async ({ args, place, request }) => {
      const keys = args.texts('keys', BATCH_KEYS, KEY);
      await withValues(args, keys.length, request, account, (values) =>
        paced(keys, request, () =>
          store.set(
            place,
            keys.map((key, index) => [key, values[index]!] as const),
            quotaBytes,
          ),
        ),
      );
      return null;
    }),
    'keyvalue.swap': service(({ args, place, request }) => {
      const key = args.text('key', KEY);
      const version = args.integer('version', Number.MAX_SAFE_INTEGER);
      return withValues(
        args,
        1,
        request,
        account,
        ([value]) => store.swap(place, { key, version, value: value! }, quotaBytes) ?? null,
      );
    }),
    'keyvalue.get': async (request) => {
      const { args, place } = ask(request, account);
      const keys = args.texts('keys', BATCH_KEYS, KEY);
      const values = await paced(keys, request, () => firstValues(store, place, keys));
      return answer({ lengths: values.map((value) => value?.length ?? null) }, values, request, account);
    },
    'keyvalue.look': async (request) => {
      const { args, place } = ask(request, account);
      const { version, value } = store.look(place, args.text('key', KEY));
      return answer({ version, lengths: [value?.length ?? null] }, [value], request, account);
    },
  };
}

/** The values of the first of the keys, as many as an answer holds. */
function firstValues(store: KeyValueStore, place: BucketPlace, keys: readonly string[]): (Uint8Array | undefined)[] {
  const values: (Uint8Array | undefined)[] = [];
  let bytes = 0;
  for (const key of keys) {
    const { value } = store.look(place, key);
    bytes += value?.length ?? 0;
    if (bytes > ANSWER_BYTES && values.length > 0) break;
    values.push(value);
  }
  return values;
}

function ask(request: OutsideRequest, account: FunctionAccount): Asked {
  account.check();
  const args = new CheckedArguments(request.args);
  const bucket = args.text('bucket', BUCKET);
  if (bucket === '') throw new OutsideRefusal('no-such-store', 'expected the name of a bucket, got an empty one');
  return { args, place: { functionName: account.name, bucket }, request };
}

/** Takes the values that a request brings, and holds them while `work` uses them. The account may have been closed while they came. */
async function withValues<Result>(
  args: CheckedArguments,
  count: number,
  request: OutsideRequest,
  account: FunctionAccount,
  work: (values: Uint8Array[]) => Result | Promise<Result>,
): Promise<Result> {
  const lengths = args.integers('lengths', BATCH_KEYS, VALUE_BYTES);
  if (lengths.length !== count) throw new OutsideRefusal('invalid', `expected ${count} lengths, got ${lengths.length}`);
  const bytes = lengths.reduce((sum, length) => sum + length, 0);
  if (bytes > BATCH_BYTES)
    throw new OutsideRefusal('other', `expected values of at most ${BATCH_BYTES} bytes together, got ${bytes}`);
  const inline = args.bytesOrNull('bytes', bytes);
  const letGo = account.hold(inline === null ? bytes : 0);
  try {
    const whole = inline ?? (await readExactly(request.source, bytes, request.signal));
    if (whole.length !== bytes) throw new OutsideRefusal('invalid', `expected ${bytes} bytes, got ${whole.length}`);
    account.check();
    return await work(split(whole, lengths));
  } finally {
    letGo();
  }
}

function split(whole: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  let at = 0;
  return lengths.map((length) => {
    at += length;
    return whole.subarray(at - length, at);
  });
}

/** An answer with values: in itself when they are small, else behind it. */
function answer(
  value: Readonly<Record<string, unknown>>,
  values: readonly (Uint8Array | undefined)[],
  request: OutsideRequest,
  account: FunctionAccount,
): OutsideAnswer {
  const present = values.filter((each) => each !== undefined);
  const bytes = present.reduce((sum, each) => sum + each.length, 0);
  if (bytes <= INLINE_BYTES) {
    return { value: { ...value, bytes: present.length === 1 ? present[0]! : Buffer.concat(present) } };
  }
  const letGo = account.hold(bytes);
  return { value: { ...value, bytes: null }, end: sendAll(request.sink, present, request.signal).finally(letGo) };
}
