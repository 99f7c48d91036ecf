import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ENTRY_BYTES } from '../../../../runtime/outside/keyvalue/key-value-store.ts';
import { OutsideRefusal } from '../../../../runtime/outside/outside-service.ts';
import { BATCH_BYTES, KEY_BYTES, memorySink, memorySource, VALUE_BYTES } from '../../../../runtime/wasi/index.ts';
import { bare, refused, StoreLab } from '../store-lab.ts';

const services = suite('key-value services');
let lab: StoreLab;

services.before.each(async () => {
  lab = await StoreLab.open();
});
services.after.each(() => lab.close());

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes);

services('what was set is there for the next guest, and after a restart', async () => {
  const { keyValue } = lab.guest();
  await keyValue.open('default');
  await keyValue.set('default', [
    ['a', utf8('one')],
    ['ä\0', utf8('')],
  ]);
  const again = lab.guest().keyValue;
  assert.equal((await again.get('default', ['a', 'ä\0', 'ä'], 100)).map(text), ['one', '', undefined]);
  await lab.reopen();
  const later = lab.guest().keyValue;
  assert.equal((await later.get('default', ['ä\0', 'a'], 100)).map(text), ['', 'one']);
  assert.is(await later.exists('default', 'a'), true);
  await later.delete('default', ['a', 'nothing']);
  assert.is(await later.exists('default', 'a'), false);
});

services('buckets and functions do not see one another', async () => {
  const [mine, theirs] = [lab.guest('notes').keyValue, lab.guest('other').keyValue];
  await mine.set('default', [['a', utf8('mine')]]);
  await mine.set('second', [['a', utf8('second')]]);
  await theirs.set('default', [['a', utf8('theirs')]]);
  assert.equal((await mine.get('default', ['a'], 100)).map(text), ['mine']);
  assert.equal((await mine.get('second', ['a'], 100)).map(text), ['second']);
  assert.equal((await theirs.get('default', ['a'], 100)).map(text), ['theirs']);
  assert.equal((await theirs.keys('second', null)).keys, []);
});

services('small values go in the message, larger ones beside it', async () => {
  const { keyValue, outside } = lab.guest();
  for (const length of [0, 1, 24 * 1024, 24 * 1024 + 1, 32 * 1024, 32 * 1024 + 1, 300_000, VALUE_BYTES]) {
    const value = randomBytes(length);
    await keyValue.set('default', [['a', value]]);
    const [got] = await keyValue.get('default', ['a'], VALUE_BYTES);
    assert.equal(Buffer.from(got!), value, `${length} bytes`);
    const looked = await keyValue.look('default', 'a');
    assert.equal(Buffer.from(looked.value!), value);
    assert.is(await keyValue.swap('default', 'a', looked.version, value), undefined);
  }
  assert.is(outside.open, 0);
  assert.equal(outside.failures, []);
});

services('a batch is cut into as many requests as it needs', async () => {
  const { keyValue, outside } = lab.guest();
  const keys = Array.from({ length: 200 }, (_, index) => `${index} `.padEnd(KEY_BYTES, 'k'));
  await keyValue.set(
    'default',
    keys.map((key, index) => [key, randomBytes(index)]),
  );
  assert.ok(outside.asked.length > 5 && outside.asked.length < 20, String(outside.asked.length));
  const got = await keyValue.get('default', [...keys, 'nothing'], BATCH_BYTES);
  assert.equal(
    got.map((value) => value?.length),
    [...keys.keys(), undefined],
  );
  await keyValue.delete('default', keys);
  assert.equal((await keyValue.keys('default', null)).keys, []);
});

services('many large values come in parts, up to the bound of the asker', async () => {
  const { keyValue, outside } = lab.guest();
  const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
  await keyValue.set(
    'default',
    keys.map((key) => [key, new Uint8Array(VALUE_BYTES).fill(key.charCodeAt(0))]),
  );
  outside.asked.length = 0;
  const got = await keyValue.get('default', keys, BATCH_BYTES);
  assert.equal(
    got.map((value) => [value!.length, value![0]]),
    keys.map((key) => [VALUE_BYTES, key.charCodeAt(0)]),
  );
  assert.equal(outside.asked, ['keyvalue.get', 'keyvalue.get']);
  await refused(keyValue.get('default', keys, VALUE_BYTES), 'other', /at most 1048576 bytes together/);
});

services('keys come oldest first in pages; what is deleted or added meanwhile disturbs nothing', async () => {
  const { keyValue } = lab.guest();
  const keys = Array.from({ length: 2500 }, (_, index) => `key ${(index * 7919) % 2500}`);
  for (let at = 0; at < keys.length; at += 500)
    await keyValue.set(
      'default',
      keys.slice(at, at + 500).map((key) => [key, utf8('')]),
    );
  const first = await keyValue.keys('default', null);
  assert.equal(first.keys, keys.slice(0, 1000));
  await keyValue.delete('default', [keys[999]!, keys[1000]!]);
  await keyValue.set('default', [
    ['new', utf8('')],
    [keys[0]!, utf8('changed')],
  ]);
  const second = await keyValue.keys('default', first.cursor);
  assert.equal(second.keys, keys.slice(1001, 2001));
  const third = await keyValue.keys('default', second.cursor);
  assert.equal(third, { keys: [...keys.slice(2001), 'new'], cursor: null });
});

services('a page of long keys fits into an answer', async () => {
  const { keyValue } = lab.guest();
  const keys = Array.from({ length: 70 }, (_, index) => `${index} `.padEnd(KEY_BYTES, 'k'));
  await keyValue.set(
    'default',
    keys.map((key) => [key, utf8('')]),
  );
  const found: string[] = [];
  let pages = 0;
  for (let cursor: number | null = null, more = true; more; pages += 1) {
    const page = await keyValue.keys('default', cursor);
    found.push(...page.keys);
    cursor = page.cursor;
    more = cursor !== null;
  }
  assert.equal(found, keys);
  assert.is(pages, 3);
});

services('increment counts over all 64 bits and refuses what is no number', async () => {
  const { keyValue } = lab.guest();
  assert.is(await keyValue.increment('default', 'n', 5n), 5n);
  assert.is(await keyValue.increment('default', 'n', -8n), -3n);
  assert.equal((await keyValue.get('default', ['n'], 100)).map(text), ['-3']);
  assert.is(await keyValue.increment('default', 'm', 2n ** 63n - 1n), 2n ** 63n - 1n);
  await refused(keyValue.increment('default', 'm', 1n), 'other', /a sum of 64 bits under "m", got 9223372036854775808/);
  assert.is(await keyValue.increment('default', 'l', -(2n ** 63n)), -(2n ** 63n));
  await refused(keyValue.increment('default', 'l', -1n), 'other', /a sum of 64 bits/);
  for (const value of ['', 'x', '1.5', ' 1', '0x1', '99999999999999999999', '1'.repeat(30), '-']) {
    await keyValue.set('default', [['x', utf8(value)]]);
    await refused(keyValue.increment('default', 'x', 1n), 'other', /expected a decimal number of 64 bits under "x"/);
    assert.equal((await keyValue.get('default', ['x'], 100)).map(text), [value]);
  }
});

services('increments of many guests at once are all counted', async () => {
  const sums = await Promise.all(Array.from({ length: 100 }, () => lab.guest().keyValue.increment('default', 'n', 1n)));
  assert.equal(
    sums.toSorted((a, b) => Number(a - b)),
    Array.from({ length: 100 }, (_, index) => BigInt(index + 1)),
  );
});

services('of many swaps at once one succeeds, and a key that was made anew is another', async () => {
  const { keyValue } = lab.guest();
  const { version } = await keyValue.look('default', 'a');
  assert.is(version, 0);
  const swaps = await Promise.all(
    Array.from({ length: 10 }, (_, index) => keyValue.swap('default', 'a', version, utf8(String(index)))),
  );
  assert.equal(
    swaps.filter((present) => present === undefined),
    [undefined],
  );
  const seen = await keyValue.look('default', 'a');
  assert.ok(seen.version > 0);
  await keyValue.delete('default', ['a']);
  await keyValue.set('default', [['a', seen.value!]]);
  assert.ok(((await keyValue.swap('default', 'a', seen.version, utf8('x'))) ?? 0) > seen.version);
  await keyValue.delete('default', ['a']);
  assert.is(await keyValue.swap('default', 'a', seen.version, utf8('x')), 0);
});

services('the quota counts names, keys, values and entries, exactly', async () => {
  const cost = (key: string, size: number) => ENTRY_BYTES + 'default'.length + Buffer.byteLength(key) + size;
  const { keyValue } = lab.guest('notes', cost('a', 100) + cost('ä', 50));
  const usage = () => lab.stores.usage('notes').keyValueBytes;
  assert.is(usage(), 0);
  await keyValue.set('default', [['a', new Uint8Array(100)]]);
  assert.is(usage(), cost('a', 100));
  await refused(keyValue.set('default', [['ä', new Uint8Array(51)]]), 'other', /quota exceeded/);
  assert.is(await keyValue.exists('default', 'ä'), false);
  await keyValue.set('default', [['ä', new Uint8Array(50)]]);
  assert.is(usage(), cost('a', 100) + cost('ä', 50));
  await refused(keyValue.increment('default', 'n', 1n), 'other', /quota exceeded/);
  const { version } = await keyValue.look('default', 'a');
  await refused(keyValue.swap('default', 'a', version, new Uint8Array(101)), 'other', /quota exceeded/);
  assert.is((await keyValue.look('default', 'a')).version, version);
  await keyValue.set('default', [['a', new Uint8Array(1)]]);
  assert.is(usage(), cost('a', 1) + cost('ä', 50));
  await keyValue.delete('default', ['a', 'a', 'ä']);
  assert.is(usage(), 0);
});

services('a batch that does not fit changes nothing', async () => {
  const { keyValue } = lab.guest('notes', 1000);
  const entries = Array.from({ length: 20 }, (_, index) => [String(index), new Uint8Array(1)] as const);
  await refused(keyValue.set('default', entries), 'other', /may have 1000 bytes, with this it would have 1470/);
  assert.is(lab.stores.usage('notes').keyValueBytes, 0);
  assert.equal((await keyValue.keys('default', null)).keys, []);
});

services('a quota that became too small still lets the store shrink', async () => {
  await lab.guest().keyValue.set('default', [['a', new Uint8Array(1000)]]);
  const { keyValue } = lab.guest('notes', 10);
  await refused(keyValue.set('default', [['a', new Uint8Array(1001)]]), 'other', /quota exceeded/);
  await keyValue.set('default', [['a', new Uint8Array(999)]]);
  await keyValue.delete('default', ['a']);
  assert.is(lab.stores.usage('notes').keyValueBytes, 0);
});

services('a function that is removed loses all, and its guests can write no more', async () => {
  const { keyValue } = lab.guest();
  await keyValue.set('default', [['a', utf8('x')]]);
  await lab.guest('other').keyValue.set('default', [['a', utf8('stays')]]);
  lab.stores.removeFunction('notes');
  lab.stores.removeFunction('notes');
  await refused(keyValue.set('default', [['b', utf8('x')]]), 'access-denied', /the function "notes" was removed/);
  await refused(keyValue.get('default', ['a'], 10), 'access-denied', /was removed/);
  assert.equal(lab.stores.usage('notes'), { keyValueBytes: 0, blobBytes: 0 });
  const anew = lab.guest().keyValue;
  assert.equal(await anew.get('default', ['a'], 10), [undefined]);
  assert.equal((await lab.guest('other').keyValue.get('default', ['a'], 10)).map(text), ['stays']);
});

services('what belongs to no function is removed at the start', async () => {
  await lab.guest('gone').keyValue.set('default', [['a', utf8('x')]]);
  await lab.guest('kept').keyValue.set('default', [['a', utf8('x')]]);
  await lab.reopen((name) => name === 'kept');
  assert.is(lab.stores.usage('gone').keyValueBytes, 0);
  assert.ok(lab.stores.usage('kept').keyValueBytes > 0);
});

services('the name of a bucket is checked', async () => {
  const { keyValue } = lab.guest();
  await refused(keyValue.open(''), 'no-such-store', /empty one/);
  await refused(keyValue.open('b'.repeat(129)), 'no-such-store', /at most 128 bytes/);
  await keyValue.open('ä'.repeat(64));
});

services('values that go on in many requests at once are bounded together', async () => {
  const { 'keyvalue.set': set } = lab.stores.keyValueServices({ functionName: 'notes', quotaBytes: 1e9 });
  const abort = new AbortController();
  const silent = { read: () => new Uint8Array(0), ready: false, wait: () => new Promise<void>(() => {}), close() {} };
  const lengths = Array(8).fill(VALUE_BYTES);
  const keys = lengths.map((_, index) => String(index));
  const ask = () =>
    set!({ ...bare({ bucket: 'default', keys, lengths, bytes: null }), source: silent, signal: abort.signal });
  const waiting = Array.from({ length: 4 }, ask);
  await refused(ask(), 'other', /at most 33554432 bytes at once/);
  abort.abort(new Error('the invocation ended'));
  for (const each of await Promise.allSettled(waiting)) assert.is(each.status, 'rejected');
  const again = ask();
  assert.is((await Promise.allSettled([again]))[0]!.status, 'rejected');
});

for (const [what, name, args, code, sentence] of [
  ['no arguments', 'get', null, 'invalid', /expected named arguments, got null/],
  ['a list for arguments', 'get', [], 'invalid', /expected named arguments, got a list/],
  ['bytes for arguments', 'get', new Uint8Array(3), 'invalid', /expected named arguments, got 3 bytes/],
  ['no bucket', 'get', { keys: ['a'] }, 'no-such-store', /a text of at most 128 bytes for bucket, got undefined/],
  ['an inherited field', 'get', Object.create({ bucket: 'b', keys: [] }), 'no-such-store', /got undefined/],
  ['a number for a bucket', 'open', { bucket: 7 }, 'no-such-store', /for bucket, got 7/],
  ['too many keys', 'get', { bucket: 'b', keys: Array(1001).fill('a') }, 'invalid', /at most 1000 items for keys/],
  ['a key that is no text', 'delete', { bucket: 'b', keys: ['a', 7] }, 'other', /for an item of keys, got 7/],
  ['a key that is too long', 'exists', { bucket: 'b', key: 'k'.repeat(1025) }, 'other', /got a text of 1025 bytes/],
  ['a cursor that is none', 'keys', { bucket: 'b', cursor: -1 }, 'invalid', /an integer from 0 .* for cursor, got -1/],
  ['a broken cursor', 'keys', { bucket: 'b', cursor: 1.5 }, 'invalid', /for cursor, got 1.5/],
  ['a delta that is none', 'increment', { bucket: 'b', key: 'n', delta: 1 }, 'invalid', /for delta, got 1/],
  ['a delta too large', 'increment', { bucket: 'b', key: 'n', delta: String(2n ** 63n) }, 'invalid', /signed integer/],
  ['too few lengths', 'set', { bucket: 'b', keys: ['a'], lengths: [], bytes: null }, 'invalid', /expected 1 lengths/],
  [
    'a length too large',
    'set',
    { bucket: 'b', keys: ['a'], lengths: [VALUE_BYTES + 1], bytes: null },
    'invalid',
    /for an item of lengths/,
  ],
  [
    'lengths too large',
    'set',
    { bucket: 'b', keys: Array(9).fill('a'), lengths: Array(9).fill(VALUE_BYTES), bytes: null },
    'other',
    /at most 8388608 bytes together/,
  ],
  [
    'too many bytes',
    'set',
    { bucket: 'b', keys: ['a'], lengths: [1], bytes: new Uint8Array(2) },
    'invalid',
    /at most 1 bytes or null/,
  ],
  [
    'too few bytes',
    'set',
    { bucket: 'b', keys: ['a'], lengths: [2], bytes: new Uint8Array(1) },
    'invalid',
    /expected 2 bytes, got 1/,
  ],
  [
    'bytes that do not come',
    'set',
    { bucket: 'b', keys: ['a'], lengths: [2], bytes: null },
    'invalid',
    /expected 2 bytes, got 0/,
  ],
  [
    'a version that is none',
    'swap',
    { bucket: 'b', key: 'a', version: '1', lengths: [0], bytes: null },
    'invalid',
    /for version, got a text/,
  ],
] as [string, string, unknown, string, RegExp][]) {
  services(`a hostile agent is refused: ${what}`, async () => {
    const service = lab.stores.keyValueServices({ functionName: 'notes', quotaBytes: 1e6 })[`keyvalue.${name}`]!;
    await refused(service(bare(args)), code, sentence);
    assert.is(lab.stores.usage('notes').keyValueBytes, 0);
  });
}

for (const service of ['keyvalue.get', 'keyvalue.delete', 'keyvalue.set']) {
  services(
    `${service}: many keys of many requests are seen to one request at a time, and others in between`,
    async () => {
      const asked = lab.stores.keyValueServices({ functionName: 'notes', quotaBytes: 1_000_000 });
      const keys = Array.from({ length: 100 }, (_, at) => `key ${at}`);
      const args = { bucket: 'b', keys, lengths: keys.map(() => 1), bytes: new Uint8Array(keys.length) };
      const leaving = new AbortController();
      let answered = 0;
      const send = (signal: AbortSignal) =>
        asked[service]!({ args, source: memorySource(new Uint8Array(0)), sink: memorySink(1e6), signal }).then(() => {
          answered += 1;
        });
      const staying = new AbortController();
      const sent = [send(staying.signal), send(leaving.signal), send(staying.signal)];
      const forgotten = sent[1]!.catch((error: unknown) => error);
      leaving.abort(new OutsideRefusal('forgotten', 'the guest forgot it'));
      const seen: number[] = [answered];
      while (answered < 2) {
        await setImmediate();
        if (answered !== seen.at(-1)) seen.push(answered);
      }
      await Promise.all([sent[0], sent[2]]);
      assert.equal(seen, [0, 1, 2]);
      assert.is(((await forgotten) as OutsideRefusal).code, 'forgotten');
    },
  );
}

services.run();
