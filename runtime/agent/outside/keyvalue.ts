import { type KeyAndValue, type KeyPage, type KeyValueBackend, StoreFailure } from '../../wasi/index.ts';
import type { Outside, OutsideCall } from './outside.ts';
import { answerOf, answerTo, asStoreFailure, receive } from './transfer.ts';

/** Bytes of keys, or of values, that go in a request itself: more would not fit. Larger values follow the request as bytes. */
const INLINE_BYTES = 24 * 1024;

/** Bytes of values that go with one request. */
const REQUEST_BYTES = 4 * 1024 * 1024;

/** What a key costs in a request beside its bytes. */
const KEY_OVERHEAD_BYTES = 8;

/** An answer with values: null is the length of a key that is not there, and `bytes` is null when the values follow. */
interface Values {
  readonly lengths: readonly (number | null)[];
  readonly bytes: Uint8Array | null;
}

/** The buckets of the function, at its host. */
export function keyValueOver(outside: Outside): KeyValueBackend {
  const ask = (service: string, args: object): Promise<unknown> => answerOf(outside.ask(`keyvalue.${service}`, args));

  const askForValues = async (
    service: string,
    args: object,
  ): Promise<[answer: unknown, (Uint8Array | undefined)[]]> => {
    const call = outside.ask(`keyvalue.${service}`, args);
    try {
      const answer = (await call.answer) as Values;
      return [answer, await valuesOf(answer, call)];
    } catch (error) {
      throw asStoreFailure(error);
    } finally {
      call.forget();
    }
  };

  const bring = (service: string, args: object, values: readonly Uint8Array[]): Promise<unknown> => {
    const whole = joined(values);
    const inline = whole.length <= INLINE_BYTES;
    const lengths = values.map((value) => value.length);
    const call = outside.ask(`keyvalue.${service}`, { ...args, lengths, bytes: inline ? whole : null });
    return inline ? answerOf(call) : answerTo(call, whole);
  };

  return {
    async open(bucket) {
      await ask('open', { bucket });
    },
    async get(bucket, keys, mostBytes) {
      const values: (Uint8Array | undefined)[] = [];
      let bytes = 0;
      while (values.length < keys.length) {
        const [, some] = await askForValues('get', { bucket, keys: firstKeys(keys, values.length) });
        if (some.length === 0) throw new StoreFailure('other', 'the host answered with no values');
        for (const value of some) bytes += value?.length ?? 0;
        if (bytes > mostBytes)
          throw new StoreFailure('other', `expected values of at most ${mostBytes} bytes together; ask for fewer keys`);
        values.push(...some);
      }
      return values;
    },
    async set(bucket, entries) {
      for (let at = 0; at < entries.length; ) {
        const some = firstEntries(entries, at);
        await bring(
          'set',
          { bucket, keys: some.map(([key]) => key) },
          some.map(([, value]) => value),
        );
        at += some.length;
      }
    },
    async delete(bucket, keys) {
      for (let at = 0; at < keys.length; ) {
        const some = firstKeys(keys, at);
        await ask('delete', { bucket, keys: some });
        at += some.length;
      }
    },
    async exists(bucket, key) {
      return (await ask('exists', { bucket, key })) === true;
    },
    async keys(bucket, cursor) {
      return (await ask('keys', { bucket, cursor })) as KeyPage;
    },
    async increment(bucket, key, delta) {
      return BigInt((await ask('increment', { bucket, key, delta: String(delta) })) as string);
    },
    async look(bucket, key) {
      const [answer, [value]] = await askForValues('look', { bucket, key });
      return { version: (answer as { version: number }).version, value };
    },
    async swap(bucket, key, version, value) {
      return ((await bring('swap', { bucket, key, version }, [value])) as number | null) ?? undefined;
    },
  };
}

/** As many keys from an index on as one request takes, at least one. */
function firstKeys(keys: readonly string[], from: number): string[] {
  let bytes = 0;
  let to = from;
  while (to < keys.length) {
    bytes += Buffer.byteLength(keys[to]!) + KEY_OVERHEAD_BYTES;
    if (bytes > INLINE_BYTES && to > from) break;
    to += 1;
  }
  return keys.slice(from, to);
}

/** As many entries from an index on as one request takes, at least one. */
function firstEntries(entries: readonly KeyAndValue[], from: number): KeyAndValue[] {
  let [keyBytes, valueBytes] = [0, 0];
  let to = from;
  while (to < entries.length) {
    const [key, value] = entries[to]!;
    keyBytes += Buffer.byteLength(key) + KEY_OVERHEAD_BYTES;
    valueBytes += value.length;
    if ((keyBytes > INLINE_BYTES || valueBytes > REQUEST_BYTES) && to > from) break;
    to += 1;
  }
  return entries.slice(from, to);
}

/** The values of an answer. Copies: what came with it lies in a buffer of the line. */
async function valuesOf({ lengths, bytes }: Values, call: OutsideCall): Promise<(Uint8Array | undefined)[]> {
  const total = lengths.reduce<number>((sum, length) => sum + (length ?? 0), 0);
  const whole = bytes?.slice() ?? (await receive(call.source, total));
  let at = 0;
  return lengths.map((length) => {
    if (length === null) return undefined;
    at += length;
    return whole.subarray(at - length, at);
  });
}

function joined(values: readonly Uint8Array[]): Uint8Array {
  return values.length === 1 ? values[0]! : Buffer.concat(values);
}
