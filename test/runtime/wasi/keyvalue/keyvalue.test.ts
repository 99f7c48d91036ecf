import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DISPOSE } from '../../../../runtime/wasi/dispose.ts';
import {
  BATCH_BYTES,
  BATCH_KEYS,
  createWasi,
  DEFAULT_LIMITS,
  GuestTrap,
  KEY_BYTES,
  StoreFailure,
  VALUE_BYTES,
} from '../../../../runtime/wasi/index.ts';
import type { Bucket } from '../../../../runtime/wasi/keyvalue/bucket.ts';
import type { Cas } from '../../../../runtime/wasi/keyvalue/cas.ts';
import type { keyValueInterfaces } from '../../../../runtime/wasi/keyvalue/keyvalue.ts';
import { backend, text, utf8 } from '../backend.ts';
import { MemoryKeyValue } from './memory-key-value.ts';

const keyvalue = suite('wasi:keyvalue');

function open(given: Parameters<typeof backend>[0] = {}) {
  const store = new MemoryKeyValue();
  const wasi = createWasi(backend({ keyValue: store, ...given }));
  const imports = wasi.imports as ReturnType<typeof keyValueInterfaces>;
  return {
    store,
    wasi,
    ...imports['wasi:keyvalue/store'],
    ...imports['wasi:keyvalue/atomics'],
    ...imports['wasi:keyvalue/batch'],
  };
}

async function opened(given: Parameters<typeof backend>[0] = {}) {
  const parts = open(given);
  return { ...parts, bucket: await parts.open('default') };
}

/** What a promise is rejected with. */
async function refusal(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.unreachable('expected a refusal'),
    (error: unknown) => error,
  );
}

function isOther(error: unknown, sentence: RegExp): void {
  assert.is((error as { tag?: string }).tag, 'other');
  assert.match((error as { val: string }).val, sentence);
}

keyvalue('a bucket gives what was set, and nothing for what was not', async () => {
  const { bucket } = await opened();
  assert.is(await bucket.get('a'), undefined);
  assert.is(await bucket.exists('a'), false);
  await bucket.set('a', utf8('one'));
  assert.is(text((await bucket.get('a'))!), 'one');
  assert.is(await bucket.exists('a'), true);
  await bucket.delete('a');
  await bucket.delete('a');
  assert.is(await bucket.get('a'), undefined);
});

keyvalue('the keys come in pages, with cursors that are numbers in decimal', async () => {
  const { bucket } = await opened();
  for (const key of ['a', 'b', 'c', 'd', 'e']) await bucket.set(key, utf8(key));
  const first = await bucket.listKeys(undefined);
  assert.equal(first, { keys: ['a', 'b'], cursor: '2' });
  const second = await bucket.listKeys(first.cursor);
  assert.equal(second, { keys: ['c', 'd'], cursor: '4' });
  // As `0.2.0-draft` hands it over: there it is a u64.
  assert.equal(await bucket.listKeys(4n), { keys: ['e'], cursor: undefined });
  isOther(await refusal(bucket.listKeys('x')), /a cursor that list-keys gave, got "x"/);
  isOther(await refusal(bucket.listKeys(2n ** 64n - 1n)), /a cursor that list-keys gave/);
  isOther(await refusal(bucket.listKeys('-1')), /a cursor that list-keys gave/);
});

keyvalue('a bucket that there is not, or that may not be opened, is a typed error', async () => {
  const { open: openBucket, store, wasi } = open();
  assert.equal(await refusal(openBucket('other')), { tag: 'no-such-store' });
  assert.equal(await refusal(openBucket('denied')), { tag: 'access-denied' });
  assert.equal(store.asked, ['open', 'open']);
  assert.equal(await refusal(openBucket('x'.repeat(129))), { tag: 'no-such-store' });
  assert.is(store.asked.length, 2);
  assert.is(wasi.handles, 0);
});

keyvalue('without a store everything is denied', async () => {
  const { open: openBucket } = open({ keyValue: null });
  assert.equal(await refusal(openBucket('default')), { tag: 'access-denied' });
});

keyvalue('a failure of the backend is a typed error, a defect of it is a trap', async () => {
  const { bucket, store } = await opened();
  store.failure = new StoreFailure('other', 'the quota is full');
  assert.equal(await refusal(bucket.set('a', utf8('x'))), { tag: 'other', val: 'the quota is full' });
  store.failure = new TypeError('a defect');
  assert.instance(await refusal(bucket.get('a')), TypeError);
});

for (const [what, call, sentence] of [
  ['a key that is too long', (b) => b.get('k'.repeat(KEY_BYTES + 1)), /key of at most 1024 bytes/],
  ['a key that is too long in UTF-8', (b) => b.set('ä'.repeat(KEY_BYTES / 2 + 1), utf8('')), /key of at most 1024/],
  ['a key that is too long to be looked for', (b) => b.exists('k'.repeat(2000)), /key of at most 1024 bytes/],
  ['a key that is too long to be deleted', (b) => b.delete('k'.repeat(2000)), /key of at most 1024 bytes/],
  [
    'a value that is too long',
    (b) => b.set('a', new Uint8Array(VALUE_BYTES + 1)),
    /at most 1048576 bytes, got 1048577/,
  ],
] as [string, (bucket: Bucket) => Promise<unknown>, RegExp][]) {
  keyvalue(`${what} is refused before anything is asked`, async () => {
    const { bucket, store } = await opened();
    isOther(await refusal(call(bucket)), sentence);
    assert.equal(store.asked, ['open']);
  });
}

keyvalue('the longest key and the longest value are taken', async () => {
  const { bucket } = await opened();
  await bucket.set('ä'.repeat(KEY_BYTES / 2), new Uint8Array(VALUE_BYTES));
  assert.is((await bucket.get('ä'.repeat(KEY_BYTES / 2)))!.length, VALUE_BYTES);
});

keyvalue('increment adds and gives the sum', async () => {
  const { bucket, increment } = await opened();
  assert.is(await increment(bucket, 'n', 5n), 5n);
  assert.is(await increment(bucket, 'n', -7n), -2n);
  isOther(await refusal(increment(bucket, 'n', 2n ** 63n)), /a delta of at most 9223372036854775807/);
});

keyvalue('a swap succeeds once, and what failed comes with a handle that succeeds', async () => {
  const { bucket, Cas: CasClass, swap, wasi } = await opened();
  const [mine, theirs] = [await CasClass.new(bucket, 'a'), await CasClass.new(bucket, 'a')];
  assert.is(await mine.current(), undefined);
  await swap(mine, utf8('mine'));
  const error = (await refusal(swap(theirs, utf8('theirs')))) as { tag: string; val: Cas };
  assert.is(error.tag, 'cas-failed');
  assert.instance(error.val, CasClass);
  assert.is(text((await error.val.current())!), 'mine');
  await swap(error.val, utf8('theirs'));
  assert.is(text((await bucket.get('a'))!), 'theirs');
  assert.is(wasi.handles, 1);
});

keyvalue('current is what swap compares with', async () => {
  const { bucket, Cas: CasClass, swap } = await opened();
  const cas = await CasClass.new(bucket, 'a');
  await bucket.set('a', utf8('later'));
  assert.is(text((await cas.current())!), 'later');
  await swap(cas, utf8('last'));
  assert.is(text((await bucket.get('a'))!), 'last');
});

keyvalue('a swap that fails for another reason says which', async () => {
  const { bucket, store, Cas: CasClass, swap, wasi } = await opened();
  store.failure = new StoreFailure('access-denied', 'no');
  assert.equal(await refusal(CasClass.new(bucket, 'a')), { tag: 'access-denied' });
  const cas = await CasClass.new(bucket, 'a');
  store.failure = new StoreFailure('other', 'the quota is full');
  assert.equal(await refusal(swap(cas, utf8('x'))), {
    tag: 'store-error',
    val: { tag: 'other', val: 'the quota is full' },
  });
  const another = await CasClass.new(bucket, 'a');
  const long = (await refusal(swap(another, new Uint8Array(VALUE_BYTES + 1)))) as { tag: string; val: unknown };
  assert.is(long.tag, 'store-error');
  isOther(long.val, /at most 1048576 bytes/);
  const broken = await CasClass.new(bucket, 'a');
  store.failure = new TypeError('a defect');
  assert.instance(await refusal(swap(broken, utf8('x'))), TypeError);
  assert.is(wasi.handles, 1);
});

keyvalue('a batch gets, sets and deletes many keys', async () => {
  const { bucket, getMany, setMany, deleteMany } = await opened();
  await setMany(bucket, [
    ['a', utf8('1')],
    ['b', utf8('2')],
  ]);
  const got = await getMany(bucket, ['b', 'x', 'a']);
  assert.equal(
    got.map((pair) => pair && [pair[0], text(pair[1])]),
    [['b', '2'], undefined, ['a', '1']],
  );
  await deleteMany(bucket, ['a', 'x']);
  assert.equal(await getMany(bucket, ['a']), [undefined]);
  assert.equal(await getMany(bucket, []), []);
});

keyvalue('a batch is bounded in keys and bytes', async () => {
  const { bucket, getMany, setMany, deleteMany } = await opened();
  const many = Array.from({ length: BATCH_KEYS + 1 }, (_, index) => String(index));
  isOther(await refusal(getMany(bucket, many)), /at most 1000 keys in a batch, got 1001/);
  isOther(await refusal(deleteMany(bucket, many)), /at most 1000 keys/);
  const value = new Uint8Array(VALUE_BYTES);
  const entries = many.slice(0, BATCH_BYTES / VALUE_BYTES).map((key) => [key, value] as const);
  isOther(await refusal(setMany(bucket, entries)), /a batch of at most 8388608 bytes/);
  isOther(await refusal(setMany(bucket, [['a', new Uint8Array(VALUE_BYTES + 1)]])), /a value of at most/);
  for (const [key, each] of entries.slice(1)) await bucket.set(key, each);
  assert.is((await getMany(bucket, many.slice(0, 9))).filter((pair) => pair !== undefined).length, 7);
  for (const key of ['x', 'y']) await bucket.set(key, value);
  isOther(await refusal(getMany(bucket, [...many.slice(0, 9), 'x', 'y'])), /more than 8388608 bytes/);
});

keyvalue('handles are counted, given back once, and limited', async () => {
  const { open: openBucket, Cas: CasClass, wasi } = open({ limits: { ...DEFAULT_LIMITS, handles: 2 } });
  const bucket = await openBucket('default');
  const cas = await CasClass.new(bucket, 'a');
  assert.is(wasi.handles, 2);
  assert.instance(await refusal(openBucket('default')), GuestTrap);
  cas[DISPOSE]();
  cas[DISPOSE]();
  bucket[DISPOSE]();
  bucket[DISPOSE]();
  assert.is(wasi.handles, 0);
});

keyvalue('an object that is no bucket is a trap', async () => {
  const { Bucket: BucketClass, Cas: CasClass, increment, swap, getMany } = await opened();
  const fake = Object.create(BucketClass.prototype) as Bucket;
  assert.instance(await refusal(fake.get('a')), TypeError);
  assert.instance(await refusal(CasClass.new(fake, 'a')), TypeError);
  assert.instance(await refusal(increment(fake, 'a', 1n)), TypeError);
  assert.instance(await refusal(getMany(fake, ['a'])), TypeError);
  assert.instance(await refusal(swap(Object.create(CasClass.prototype) as Cas, utf8(''))), TypeError);
});

keyvalue('a guest that waits traps when its instance is closed, whatever the backend does then', async () => {
  const { bucket, store, wasi } = await opened();
  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  store.failure = new StoreFailure('other', 'too late');
  const waiting = refusal(bucket.get('a'));
  wasi.close();
  assert.instance(await waiting, GuestTrap);
  gate.resolve();
});

keyvalue.run();
