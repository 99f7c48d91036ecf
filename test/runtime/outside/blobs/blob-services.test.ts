import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Digest } from '../../../../guest-sdk/protocol/index.ts';
import { OBJECT_BYTES } from '../../../../runtime/outside/blobs/object-statements.ts';
import { ObjectStore } from '../../../../runtime/outside/blobs/object-store.ts';
import { SLICE } from '../../../../runtime/outside/blobs/object-table.ts';
import { MAX_TRANSFERS } from '../../../../runtime/outside/function-account.ts';
import type { OutsideRefusal, OutsideRequest } from '../../../../runtime/outside/outside-service.ts';
import { memorySink, memorySource, StreamFailure } from '../../../../runtime/wasi/index.ts';
import { bare, getObject, putObject, refused, StoreLab } from '../store-lab.ts';

const services = suite('blob services');
let lab: StoreLab;

services.before.each(async () => {
  lab = await StoreLab.open();
});
services.after.each(() => lab.close());

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const hexOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

services('containers are made once, described, and deleted', async () => {
  const { blobs } = lab.guest();
  assert.is(await blobs.container('box'), undefined);
  await blobs.createContainer('box');
  assert.equal(await blobs.container('box'), { createdAtS: 1_800_000_000 });
  await refused(blobs.createContainer('box'), 'other', /a name without a container, got "box"/);
  await lab.reopen();
  const again = lab.guest().blobs;
  assert.equal(await again.container('box'), { createdAtS: 1_800_000_000 });
  assert.is(await lab.guest('other').blobs.container('box'), undefined);
  await again.deleteContainer('box');
  await refused(again.deleteContainer('box'), 'other', /found no "box"; create it first/);
  assert.is(lab.stores.usage('notes').blobBytes, 0);
});

services('objects of every size come back, whole and in parts, also after a restart', async () => {
  const { blobs, outside } = lab.guest();
  await blobs.createContainer('box');
  const sizes = [0, 1, 65_536, 65_537, 3_000_000];
  const written = new Map(sizes.map((size) => [`size ${size}`, randomBytes(size)]));
  for (const [name, bytes] of written) await putObject(blobs, 'box', name, bytes);
  await lab.reopen();
  const again = lab.guest();
  for (const [name, bytes] of written) {
    assert.equal(Buffer.from(await getObject(again.blobs, 'box', name)), bytes, name);
    assert.equal(await again.blobs.object({ container: 'box', object: name }), {
      createdAtS: 1_800_000_000,
      sizeBytes: bytes.length,
    });
    for (const [start, end] of [
      [0, 0],
      [1, 1],
      [10, 70_000],
      [65_536, 65_536],
      [0, bytes.length],
      [bytes.length, bytes.length],
    ] as const) {
      const part = await getObject(again.blobs, 'box', name, BigInt(start), BigInt(end));
      assert.equal(Buffer.from(part), bytes.subarray(start, end + 1), `${name}: ${start} to ${end}`);
    }
  }
  assert.is(outside.open + again.outside.open, 0);
  assert.equal([...outside.failures, ...again.outside.failures], []);
});

services('equal bytes are one file, which goes with the last object that has them', async () => {
  const { blobs } = lab.guest();
  const other = lab.guest('other').blobs;
  await blobs.createContainer('box');
  await other.createContainer('box');
  const bytes = utf8('the same');
  await putObject(blobs, 'box', 'a', bytes);
  await putObject(blobs, 'box', 'b', bytes);
  await putObject(other, 'box', 'a', bytes);
  await blobs.copy({ container: 'box', object: 'a' }, { container: 'box', object: 'c' }, false);
  assert.equal(await lab.files('blobs/blobs'), [hexOf(bytes)]);
  await blobs.deleteObjects('box', ['a', 'b', 'nothing']);
  await blobs.deleteContainer('box');
  assert.equal(await lab.files('blobs/blobs'), [hexOf(bytes)]);
  await putObject(other, 'box', 'a', utf8('another'));
  assert.equal(await lab.files('blobs/blobs'), [hexOf(utf8('another'))]);
  await other.clear('box');
  assert.equal(await lab.files('blobs/blobs'), []);
});

services('an object that is replaced with its own bytes stays', async () => {
  const { blobs } = lab.guest();
  await blobs.createContainer('box');
  await putObject(blobs, 'box', 'a', utf8('x'));
  lab.nowS += 5;
  await putObject(blobs, 'box', 'a', utf8('x'));
  assert.equal(await blobs.object({ container: 'box', object: 'a' }), { createdAtS: lab.nowS, sizeBytes: 1 });
  assert.is(Buffer.from(await getObject(blobs, 'box', 'a')).toString(), 'x');
});

services('copies and moves replace the destination, between containers and in one', async () => {
  const { blobs } = lab.guest();
  await blobs.createContainer('from');
  await blobs.createContainer('to');
  const read = async (container: string, object: string) =>
    Buffer.from(await getObject(blobs, container, object)).toString();
  await putObject(blobs, 'from', 'a', utf8('one'));
  await putObject(blobs, 'to', 'b', utf8('two'));
  const usage = lab.stores.usage('notes').blobBytes;
  await blobs.copy({ container: 'from', object: 'a' }, { container: 'to', object: 'b' }, false);
  assert.is(await read('to', 'b'), 'one');
  assert.is(await read('from', 'a'), 'one');
  assert.is(lab.stores.usage('notes').blobBytes, usage);
  await blobs.copy({ container: 'from', object: 'a' }, { container: 'from', object: 'a' }, true);
  assert.is(await read('from', 'a'), 'one');
  await blobs.copy({ container: 'from', object: 'a' }, { container: 'to', object: 'longer' }, true);
  assert.is(await read('to', 'longer'), 'one');
  assert.is(lab.stores.usage('notes').blobBytes, usage + 'longer'.length - 'a'.length);
  const missing = { container: 'from', object: 'a' };
  await refused(blobs.copy(missing, { container: 'to', object: 'x' }, false), 'other', /found no "a"/);
  await refused(blobs.copy({ container: 'none', object: 'a' }, missing, false), 'other', /found no "none"/);
  await refused(
    blobs.copy({ container: 'to', object: 'b' }, { container: 'none', object: 'a' }, true),
    'other',
    /"none"/,
  );
});

services('names come in the order of their bytes, in pages, over the live container', async () => {
  const { blobs } = lab.guest();
  await blobs.createContainer('box');
  await putObject(blobs, 'box', 'a', utf8('x'));
  const names = ['', '\0', 'B', 'a', 'a\0', 'aa', 'b', 'ä', '😀', '\uffee'];
  for (const name of names)
    if (name !== 'a') await blobs.copy({ container: 'box', object: 'a' }, { container: 'box', object: name }, false);
  const sorted = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.equal(await blobs.names('box', null, 100), { names: sorted, atEnd: true });
  assert.equal(await blobs.names('box', null, 10), { names: sorted, atEnd: true });
  assert.equal(await blobs.names('box', null, 4), { names: sorted.slice(0, 4), atEnd: false });
  await blobs.deleteObjects('box', [sorted[3]!, sorted[4]!]);
  assert.equal(await blobs.names('box', sorted[3]!, 100), { names: sorted.slice(5), atEnd: true });
  assert.equal(await blobs.names('box', '', 1), { names: [sorted[1]!], atEnd: false });
  await refused(blobs.names('none', null, 1), 'other', /found no "none"/);
});

services('a page of long names fits into an answer', async () => {
  const { blobs, outside } = lab.guest();
  await blobs.createContainer('box');
  await putObject(blobs, 'box', 'a', utf8('x'));
  const names = Array.from({ length: 40 }, (_, index) => `b${index + 10}`.padEnd(1024, 'n'));
  for (const name of names)
    await blobs.copy({ container: 'box', object: 'a' }, { container: 'box', object: name }, false);
  const first = await blobs.names('box', 'a', 1000);
  assert.equal(first, { names: names.slice(0, 32), atEnd: false });
  assert.equal(await blobs.names('box', first.names.at(-1)!, 1000), { names: names.slice(32), atEnd: true });
  outside.asked.length = 0;
  await blobs.deleteObjects('box', names);
  assert.is(outside.asked.length, 1);
  assert.equal(await blobs.names('box', null, 10), { names: ['a'], atEnd: true });
});

services('the quota counts containers, names, objects and their bytes, exactly', async () => {
  const container = OBJECT_BYTES + 3;
  const { blobs } = lab.guest('notes', container + OBJECT_BYTES + 1 + 100);
  const usage = () => lab.stores.usage('notes').blobBytes;
  await blobs.createContainer('box');
  assert.is(usage(), container);
  await refused(putObject(blobs, 'box', 'a', new Uint8Array(101)), 'other', /quota exceeded/);
  await refused(putObject(blobs, 'box', 'a', new Uint8Array(200_000)), 'other', /quota exceeded/);
  assert.equal(await lab.files('blobs/blobs'), []);
  await putObject(blobs, 'box', 'a', new Uint8Array(100));
  assert.is(usage(), container + OBJECT_BYTES + 1 + 100);
  await refused(blobs.createContainer('second'), 'other', /quota exceeded/);
  await refused(
    blobs.copy({ container: 'box', object: 'a' }, { container: 'box', object: 'b' }, false),
    'other',
    /quota exceeded/,
  );
  await blobs.copy({ container: 'box', object: 'a' }, { container: 'box', object: 'b' }, true);
  await blobs.clear('box');
  assert.is(usage(), container);
});

services('many uploads at once may not write more than the quota either', async () => {
  const { blobs } = lab.guest('notes', 5 * OBJECT_BYTES);
  await blobs.createContainer('box');
  const uploads = Array.from({ length: 8 }, () => putObject(blobs, 'box', 'a', randomBytes(1000)));
  const settled = await Promise.allSettled(uploads);
  const failed = settled.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
  assert.ok(failed.length >= 5 && failed.length < 8, `${failed.length} failed`);
  for (const { reason } of failed) assert.match((reason as Error).message, /quota exceeded/);
  assert.is((await lab.files('blobs/blobs')).length, 1);
  await putObject(blobs, 'box', 'a', randomBytes(1000));
});

services('an upload that is refused tells the writer why', async () => {
  const { blobs } = lab.guest('notes', 200_000);
  await blobs.createContainer('box');
  const upload = blobs.upload();
  const failed = (async () => {
    for (;;) {
      const room = upload.sink.capacity;
      if (room === 0) await upload.sink.wait();
      else upload.sink.write(new Uint8Array(room));
      await setImmediate();
    }
  })();
  const error = await failed.catch((thrown: unknown) => thrown);
  assert.instance(error, StreamFailure);
  assert.match((error as Error).message, /quota exceeded/);
  await refused(upload.commit({ container: 'box', object: 'a' }), 'other', /quota exceeded/);
});

services('an upload that is given up leaves nothing, wherever it was', async () => {
  const { blobs, outside } = lab.guest();
  await blobs.createContainer('box');
  const early = blobs.upload();
  early.abandon();
  early.abandon();
  const half = blobs.upload();
  half.sink.write(utf8('half'));
  half.abandon();
  const whole = blobs.upload();
  whole.sink.write(utf8('whole'));
  whole.sink.close();
  await refused(whole.commit({ container: 'none', object: 'a' }), 'other', /found no "none"/);
  whole.abandon();
  await refused(whole.commit({ container: 'box', object: 'a' }), 'other', /./);
  assert.is(outside.open, 0);
  await putObject(blobs, 'box', 'b', utf8('x'));
  assert.equal(await lab.files('blobs/blobs'), [hexOf(utf8('x'))]);
});

services('a commit is done once, and only of an upload that goes on', async () => {
  const { blobs, outside } = lab.guest();
  await blobs.createContainer('box');
  const upload = outside.ask('blobs.upload', {});
  const { upload: id } = (await upload.answer) as { upload: number };
  upload.sink.close();
  const place = { container: 'box', object: 'a' };
  const commits = await Promise.allSettled([
    outside.ask('blobs.commit', { ...place, upload: id }).answer,
    outside.ask('blobs.commit', { ...place, upload: id }).answer,
  ]);
  assert.equal(commits.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  await upload.end;
  await refused(outside.ask('blobs.commit', { ...place, upload: id }).answer, 'given-up', /an upload that goes on/);
  await refused(outside.ask('blobs.commit', { ...place, upload: 99 }).answer, 'given-up', /an upload that goes on/);
});

services('what is being read stays whole when the object goes', async () => {
  const { blobs } = lab.guest();
  await blobs.createContainer('box');
  const bytes = randomBytes(500_000);
  await putObject(blobs, 'box', 'a', bytes);
  const { source, sizeBytes } = await blobs.download({ container: 'box', object: 'a' }, 0n, 2n ** 63n);
  await blobs.deleteContainer('box');
  assert.equal(await lab.files('blobs/blobs'), []);
  const hash = createHash('sha256');
  let length = 0;
  for (let chunk = source.read(100_000); chunk !== null; chunk = source.read(100_000)) {
    hash.update(chunk);
    length += chunk.length;
    if (!source.ready) await source.wait();
  }
  assert.is(length, sizeBytes);
  assert.is(hash.digest('hex'), hexOf(bytes));
});

services('a download that nobody reads is given up', async () => {
  const { blobs, outside } = lab.guest();
  await blobs.createContainer('box');
  await putObject(blobs, 'box', 'a', randomBytes(1_000_000));
  const { source } = await blobs.download({ container: 'box', object: 'a' }, 0n, 2n ** 63n);
  assert.is(outside.open, 1);
  source.close();
  assert.is(outside.open, 0);
});

services('damaged bytes are told before the end, lost ones at once', async () => {
  const { blobs, outside } = lab.guest();
  await blobs.createContainer('box');
  const bytes = randomBytes(300_000);
  await putObject(blobs, 'box', 'a', bytes);
  const hex = hexOf(bytes);
  const path = join(lab.directory, 'stores', 'blobs', 'blobs', 'sha256', hex.slice(0, 2), hex);
  for (const damaged of [
    Buffer.concat([bytes.subarray(0, 299_999), Buffer.of(bytes[299_999]! ^ 1)]),
    bytes.subarray(0, 1000),
  ]) {
    await writeFile(path, damaged);
    const error = await getObject(blobs, 'box', 'a').catch((thrown: unknown) => thrown);
    assert.instance(error, StreamFailure);
  }
  await rm(path);
  await refused(blobs.download({ container: 'box', object: 'a' }, 0n, 1n), 'other', /./);
  assert.is(outside.failures.length, 3);
  for (const failure of outside.failures) assert.is((failure as { code: string }).code, 'storage-corrupt');
});

services('a function that is removed loses all, and its guests can write no more', async () => {
  const { blobs } = lab.guest();
  await blobs.createContainer('box');
  await putObject(blobs, 'box', 'a', utf8('x'));
  const upload = blobs.upload();
  upload.sink.write(utf8('late'));
  upload.sink.close();
  lab.stores.removeFunction('notes');
  assert.equal(lab.stores.usage('notes'), { keyValueBytes: 0, blobBytes: 0 });
  await refused(upload.commit({ container: 'box', object: 'b' }), 'access-denied', /was removed/);
  upload.abandon();
  await refused(blobs.container('box'), 'access-denied', /was removed/);
  const anew = lab.guest().blobs;
  assert.is(await anew.container('box'), undefined);
  await anew.createContainer('box');
  await putObject(anew, 'box', 'a', utf8('new'));
  await lab.stores.settled;
  assert.equal(await lab.files('blobs/blobs'), [hexOf(utf8('new'))]);
});

services('a start removes what belongs to no function, and blobs that nothing names', async () => {
  for (const name of ['gone', 'kept']) {
    const { blobs } = lab.guest(name);
    await blobs.createContainer('box');
    await putObject(blobs, 'box', 'a', utf8(name));
  }
  const orphan = hexOf(utf8('orphan'));
  await lab.guest('kept').blobs.createContainer('second');
  const written = lab.guest('kept').blobs.upload();
  written.sink.write(utf8('orphan'));
  written.sink.close();
  await lab.reopen((name) => name === 'kept');
  assert.is(lab.stores.totalUsage().blobBytes, lab.stores.usage('kept').blobBytes);
  await lab.stores.settled;
  assert.equal(await lab.files('blobs/blobs'), [hexOf(utf8('kept'))]);
  assert.not((await lab.files('blobs/blobs')).includes(orphan));
  assert.is(lab.stores.usage('gone').blobBytes, 0);
  assert.is(Buffer.from(await getObject(lab.guest('kept').blobs, 'box', 'a')).toString(), 'kept');
});

for (const [what, name, args, code, sentence] of [
  ['no arguments', 'container', undefined, 'invalid', /expected named arguments/],
  ['no name', 'container', {}, 'name', /a text of at most 1024 bytes for container, got undefined/],
  ['a name that is too long', 'create-container', { container: 'n'.repeat(1025) }, 'name', /got a text of 1025 bytes/],
  [
    'too many objects',
    'delete-objects',
    { container: 'box', objects: Array(1001).fill('a') },
    'invalid',
    /at most 1000/,
  ],
  ['an object that is no text', 'delete-objects', { container: 'box', objects: [{}] }, 'name', /of type object/],
  [
    'a flag that is none',
    'copy',
    { source: { container: 'box', object: 'a' }, destination: { container: 'box', object: 'a' }, move: 1 },
    'invalid',
    /true or false for move/,
  ],
  [
    'a place that is none',
    'copy',
    { source: 'box/a', destination: null, move: true },
    'invalid',
    /expected named arguments/,
  ],
  ['a page too large', 'names', { container: 'box', after: null, most: 1001 }, 'invalid', /from 0 to 1000 for most/],
  [
    'a start behind the end',
    'download',
    { container: 'box', object: 'a', start: 2, end: 1 },
    'invalid',
    /not behind the end/,
  ],
  [
    'a broken start',
    'download',
    { container: 'box', object: 'a', start: 0.5, end: 1 },
    'invalid',
    /for start, got 0.5/,
  ],
  [
    'an end beyond all numbers',
    'download',
    { container: 'box', object: 'a', start: 0, end: 2 ** 53 },
    'invalid',
    /for end/,
  ],
  ['no object', 'download', { container: 'box', object: 'b', start: 0, end: 1 }, 'no-object', /found no "b"/],
  ['no container', 'object', { container: 'none', object: 'b' }, 'no-container', /found no "none"/],
  ['an upload that is none', 'commit', { container: 'box', object: 'b', upload: 'x' }, 'invalid', /for upload/],
] as [string, string, unknown, string, RegExp][]) {
  services(`a hostile agent is refused: ${what}`, async () => {
    const all = lab.stores.blobServices({ functionName: 'notes', quotaBytes: 1e6 });
    await all['blobs.create-container']!(bare({ container: 'box' }));
    await refused(all[`blobs.${name}`]!(bare(args)), code, sentence);
    assert.is(lab.stores.usage('notes').blobBytes, OBJECT_BYTES + 3);
  });
}

services('bytes of a source that fails are no object', async () => {
  const all = lab.stores.blobServices({ functionName: 'notes', quotaBytes: 1e6 });
  await all['blobs.create-container']!(bare({ container: 'box' }));
  const source = {
    ...memorySource(utf8('x')),
    read: () => {
      throw new StreamFailure('the line broke');
    },
  };
  const { value, end } = await all['blobs.upload']!({ ...bare({}), source });
  const { upload } = value as { upload: number };
  const failed = end!.then(
    () => assert.unreachable('expected a failure'),
    (error: Error) => error,
  );
  assert.match((await failed)!.message, /broke off after 0 bytes/);
  await refused(
    all['blobs.commit']!(bare({ container: 'box', object: 'a', upload })),
    'given-up',
    /an upload that goes on/,
  );
  assert.equal(await lab.files('blobs/blobs'), []);
});

services('a function keeps so many uploads and downloads open at once, of all its instances together', async () => {
  const blobs = lab.stores.blobServices({ functionName: 'notes', quotaBytes: 2 ** 30 });
  const leaving = new AbortController();
  const open = (service: string, args: unknown) => {
    const source = { ...memorySource(new Uint8Array(0)), read: () => new Uint8Array(0), wait: () => never, close() {} };
    return blobs[service]!({ args, source, sink: memorySink(1), signal: leaving.signal } as OutsideRequest);
  };
  await open('blobs.create-container', { container: 'box' });
  const place = { container: 'box', object: 'none', start: 0, end: 1 };
  for (let at = 0; at <= MAX_TRANSFERS; at++) {
    // What fails at once is not open.
    const missing = await open('blobs.download', place).catch((error: OutsideRefusal) => error.code);
    assert.is(missing, 'no-object');
  }
  const ends: Promise<unknown>[] = [];
  for (let at = 0; at < MAX_TRANSFERS; at++) ends.push((await open('blobs.upload', {})).end!.catch(() => {}));
  for (const service of ['blobs.upload', 'blobs.download']) {
    const refusal = await open(service, place).catch((error: OutsideRefusal) => error);
    assert.match((refusal as OutsideRefusal).message, `at most ${MAX_TRANSFERS} uploads and downloads`);
  }
  const others = lab.stores.blobServices({ functionName: 'other', quotaBytes: 2 ** 30 });
  const request = { args: {}, source: memorySource(new Uint8Array(1)), sink: memorySink(1), signal: leaving.signal };
  const other = await others['blobs.upload']!(request);
  ends.push(other.end!.catch(() => {}));
  leaving.abort();
  await Promise.all(ends);
  const again = new AbortController();
  const { end } = await blobs['blobs.upload']!({ ...request, signal: again.signal });
  again.abort();
  await end!.catch(() => {});
});

for (const whole of [false, true]) {
  services(
    `a container with many objects is ${whole ? 'deleted' : 'cleared'} in slices, and others are served in between`,
    async () => {
      const { blobs } = lab.guest();
      await blobs.createContainer('box');
      await putObject(blobs, 'box', 'o', utf8('bytes'));
      const source = { container: 'box', object: 'o' };
      for (let at = 0; at < 2 * SLICE; at++)
        await blobs.copy(source, { container: 'box', object: `copy ${at}` }, false);
      const all = lab.stores.usage('notes').blobBytes;
      const end = whole ? 0 : OBJECT_BYTES + 'box'.length;
      let between = 0;
      let isOver = false;
      const emptied = (whole ? blobs.deleteContainer('box') : blobs.clear('box')).finally(() => {
        isOver = true;
      });
      while (!isOver) {
        await setImmediate();
        const { blobBytes } = lab.stores.usage('notes');
        if (blobBytes < all && blobBytes > end) between += 1;
      }
      await emptied;
      assert.ok(between > 0, 'expected that others are served before all objects are gone');
      assert.is(lab.stores.usage('notes').blobBytes, whole ? 0 : OBJECT_BYTES + 'box'.length);
      assert.is((await blobs.container('box')) === undefined, whole);
      assert.equal(await lab.files('blobs/blobs'), []);
    },
  );
}

services('files of many blobs do not go all at once', async () => {
  const directory = join(lab.directory, 'swept');
  const store = await ObjectStore.open(directory, { nowS: () => 1 });
  const digests: Digest[] = [];
  for (let at = 0; at < 70; at++) {
    const written = await store.blobs.write(Readable.from([utf8(`blob ${at}`)]), { limitBytes: 100 });
    written.release();
    digests.push(written.digest);
  }
  const present = () => digests.filter((digest) => existsSync(store.blobs.path(digest))).length;
  store.sweep(digests);
  assert.is(present(), 6);
  await setImmediate();
  await setImmediate();
  assert.is(present(), 0);
  store.close();
});

const never = new Promise<void>(() => {});

services.run();
