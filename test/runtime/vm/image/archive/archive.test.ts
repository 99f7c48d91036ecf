import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletError, digestOfHex, hexOf } from '../../../../../guest-sdk/protocol/index.ts';
import { archiveHead, COMPRESSION, HEAD_BYTES } from '../../../../../runtime/vm/image/archive/archive-format.ts';
import { exportImage, importImage, importImageFile, type VmImage } from '../../../../../runtime/vm/image/index.ts';
import { HERE, VmImageLab } from '../../../../support/vm-image-lab.ts';

interface Context {
  lab: VmImageLab;
  /** Another computer, like this one. */
  there: VmImageLab;
  image: VmImage;
  file: string;
  bytes: Buffer;
}
const archives = suite<Context>('a saved VM as one file');

archives.before.each(async (context) => {
  context.lab = await VmImageLab.open();
  context.there = await VmImageLab.open();
  context.image = await context.lab.make('a base');
  context.file = join(context.lab.folder, 'base.vm');
  await exportImage(context.image, context.file);
  context.bytes = await readFile(context.file);
});
archives.after.each(({ lab, there }) => Promise.all([lab.close(), there.close()]).then(() => undefined));

const failureOf = (promise: Promise<unknown>): Promise<CloudletError> =>
  promise.then(
    () => assert.unreachable('it should have failed'),
    (error: CloudletError) => error,
  ) as Promise<CloudletError>;

/** As it comes over a network: in pieces that fit nothing. */
const inPieces = (bytes: Uint8Array, length = 777) =>
  Readable.from(
    Array.from({ length: Math.ceil(bytes.length / length) }, (_, at) => bytes.slice(at * length, (at + 1) * length)),
  );

archives('goes to another cloudlet, and is the same there', async ({ lab, there, image, file }) => {
  const progress: number[] = [];
  const imported = await importImageFile(there.store, file, { onProgress: (done) => progress.push(done) });
  assert.is(imported.digest, image.digest);
  assert.equal(await there.store.find(image.digest), imported);
  for (const name of ['memory', 'state', 'disk-0.raw', 'manifest.json']) {
    const path = join(imported.directory, name);
    assert.equal(await readFile(path), await readFile(join(image.directory, name)), name);
    assert.ok((await stat(path)).blocks <= (await stat(join(image.directory, name))).blocks + 128, name);
  }
  assert.is(progress.at(-1), (await stat(file)).size);
  const again = join(there.folder, 'again.vm');
  assert.is(await exportImage(imported, again), (await stat(file)).size);
  assert.equal(await readFile(again), await readFile(file));
  assert.equal(await importImageFile(lab.store, again), image);
});

archives('is a tenth of what its memory holds, and leaves nothing beside it', async ({ lab, file }) => {
  assert.ok((await stat(file)).size < 100_000);
  assert.is((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await readdir(lab.folder)).sort(), ['base.vm', 'images']);
});

archives('begins with these bytes, else no cloudlet knows another’s', async ({ bytes, image }) => {
  assert.is(bytes.subarray(0, 8).toString('latin1'), 'CLDLTVM\x01');
  assert.is(bytes.subarray(8, 40).toString('hex'), hexOf(image.digest));
  const plain = zstdDecompressSync(frameOf(bytes));
  assert.is(
    createHash('sha256').update(plain).digest('hex'),
    '72549e68614158f00d0ab515fcdc209c99c9b084fa43ddee36703b90f0602cc2',
  );
});

archives('is the same however often it is written, with nothing behind its frame', async ({ lab, image, bytes }) => {
  const path = join(lab.folder, 'again.vm');
  for (let round = 0; round < 20; round += 1) {
    await exportImage(image, path);
    assert.ok(bytes.equals(await readFile(path)), `round ${round}`);
  }
  const framed = frameOf(bytes);
  assert.is(framed.indexOf(framed.subarray(0, 4), 4), -1);
});

archives('comes in pieces of any length', async ({ there, image, bytes }) => {
  assert.is((await importImage(there.store, inPieces(bytes))).digest, image.digest);
});

archives('a service goes where its base is', async ({ lab, there, image, file }) => {
  const service = await lab.make('a service', { base: image });
  const path = join(lab.folder, 'service.vm');
  await exportImage(service, path);
  const error = await failureOf(importImageFile(there.store, path));
  assert.is(error.code, 'base-unknown');
  assert.match(error.message, image.digest);
  await importImageFile(there.store, file);
  assert.is((await importImageFile(there.store, path)).digest, service.digest);
});

/** A field of a qcow2 header, and what an author could put there. */
for (const [what, at, bytes, sentence] of [
  ['no qcow2', 0, Buffer.from('QFIX'), /it does not begin as one/],
  ['one whose data is in a second file', 72, Buffer.from([0, 0, 0, 0, 0, 0, 0, 4]), /it needs the features 0x4/],
  ['one that is encrypted', 32, Buffer.from([0, 0, 0, 1]), /it is encrypted/],
  ['one whose first table is beyond its end', 40, Buffer.from([0, 0, 1, 0, 0, 0, 0, 0]), /image/],
] as const)
  archives(
    `of a service whose layer is ${what} is refused, and leaves nothing`,
    async ({ lab, there, image, file }) => {
      const path = join(lab.folder, 'service.vm');
      await exportImage(await lab.make('a service', { base: image, qcow2: { at, bytes } }), path);
      await importImageFile(there.store, file);
      const error = await failureOf(importImageFile(there.store, path));
      assert.is(error.code, 'image-refused');
      assert.match(error.message, sentence);
      assert.equal(await readdir(there.directory), [hexOf(image.digest)]);
    },
  );

const frameOf = (bytes: Buffer) => bytes.subarray(HEAD_BYTES + bytes.readUInt32BE(HEAD_BYTES - 4));
const manifestOf = (bytes: Buffer) =>
  bytes.subarray(HEAD_BYTES, HEAD_BYTES + bytes.readUInt32BE(HEAD_BYTES - 4)).toString();
const framed = (bytes: Buffer, plain: Buffer) =>
  Buffer.concat([archiveHead(manifestOf(bytes)), zstdCompressSync(plain, COMPRESSION)]);
const flipped = (bytes: Buffer, at: number) => {
  const copy = Buffer.from(bytes);
  copy[at < 0 ? copy.length + at : at]! ^= 1;
  return copy;
};
/** With another manifest, whose digest fits. */
const declaring = (bytes: Buffer, change: (manifest: Record<string, object>) => object) =>
  Buffer.concat([
    archiveHead(JSON.stringify({ ...JSON.parse(manifestOf(bytes)), ...change(JSON.parse(manifestOf(bytes))) })),
    frameOf(bytes),
  ]);
/** The state: number, bytes, end. */
const STATE_BYTES = 4 + 'the state of a base'.length + 4;

const refused = suite<Pick<Context, 'there' | 'bytes'>>('a saved VM as one file, when refused');
refused.before(async (context) => {
  const lab = await VmImageLab.open();
  const file = join(lab.folder, 'base.vm');
  await exportImage(await lab.make('a base'), file);
  context.bytes = await readFile(file);
  await lab.close();
});
refused.before.each(async (context) => {
  context.there = await VmImageLab.open();
});
refused.after.each(({ there }) => there.close());

for (const [what, change, sentence] of [
  ['empty', () => Buffer.alloc(0), /it is torn/],
  ['something else', () => Buffer.alloc(4096, 'x'), /it is no saved VM/],
  ['of another version', (b) => flipped(b, 7), /expected version 1 of its format, got 0/],
  ['of a manifest that is torn', (b) => flipped(b, HEAD_BYTES + 20), /its manifest is torn/],
  ['of a manifest that is too long', (b) => flipped(b, HEAD_BYTES - 4), /expected at most 262144/],
  ['torn in its head', (b) => b.subarray(0, 20), /it is torn/],
  ['torn in its manifest', (b) => b.subarray(0, HEAD_BYTES + 20), /it is torn/],
  ['torn at its frame', (b) => b.subarray(0, b.length - frameOf(b).length), /it is torn/],
  ['torn in the middle', (b) => b.subarray(0, b.length - frameOf(b).length / 2), /it is torn/],
  ['torn before its last byte', (b) => b.subarray(0, -1), /it is torn/],
  ['changed in its frame', (b) => flipped(b, -10), /it is torn|does not have its digest|out of place/],
  ['longer than it says', (b) => framed(b, Buffer.concat([plainOf(b), Buffer.alloc(9)])), /something follows/],
  ['followed by something', (b) => Buffer.concat([b, Buffer.alloc(100, 'x')]), /it is torn|something follows/],
  ['forged in its state', (b) => framed(b, flipped(plainOf(b), 10)), /its state does not have its digest/],
  ['forged in its memory', (b) => framed(b, flipped(plainOf(b), 100_000)), /its memory does not have its digest/],
  ['forged in its disk', (b) => framed(b, flipped(plainOf(b), -60_000)), /its disk layer 0 does not have its digest/],
  ['without its disk', (b) => framed(b, plainOf(b).subarray(0, -4 - 4 - 65536)), /it is torn/],
  ['with a block beyond its file', (b) => framed(b, withNumber(b, 0, 7)), /block 7 of its state is out of place/],
  [
    'with a block twice',
    (b) => framed(b, withNumber(b, STATE_BYTES + 4 + 65536, 16)),
    /block 16 of its memory is out of place/,
  ],
  ['of another format', (b) => declaring(b, () => ({ format: 3 })), /expected format 1 or 2, got 3/],
  ['with a wrong size', (b) => declaring(b, ({ state }) => ({ state: { ...state, bytes: 5 } })), /out of place|torn/],
  [
    'of a disk of 4 TiB of holes',
    (b) =>
      declaring(b, ({ layers }) => ({ diskBytes: 2 ** 42, layers: [{ ...(layers as object[])[0], bytes: 2 ** 42 }] })),
    /expected.*68719476736|Invalid value/,
  ],
  [
    'with more memory than its conditions',
    (b) => declaring(b, ({ memory }) => ({ memory: { ...memory, bytes: 2 ** 30 } })),
    /not of the size/,
  ],
] as readonly [string, (bytes: Buffer) => Buffer, RegExp][]) {
  refused(`that is ${what} is refused, and leaves nothing`, async ({ there, bytes }) => {
    for (const length of [777, 2 ** 20]) {
      const error = await failureOf(importImage(there.store, inPieces(change(bytes), length)));
      assert.is(error.code, 'image-refused');
      assert.match(error.message, sentence);
      assert.equal(await readdir(there.directory), []);
    }
  });
}

function plainOf(bytes: Buffer): Buffer {
  return zstdDecompressSync(frameOf(bytes));
}

/** With another number where one is expected. */
function withNumber(bytes: Buffer, at: number, number: number): Buffer {
  const plain = Buffer.from(plainOf(bytes));
  plain.writeUInt32BE(number, at);
  return plain;
}

archives('of another computer is refused before it is unpacked', async ({ lab, bytes }) => {
  const store = await lab.another({
    directory: join(lab.folder, 'there'),
    computer: async () => ({ ...HERE, qemu: '8' }),
  });
  const error = await failureOf(importImage(store, inPieces(bytes.subarray(0, -100))));
  assert.is(error.code, 'conditions-differ');
  assert.match(error.message, 'its QEMU was 7.2.22, here it is 8');
  assert.equal(await readdir(store.directory), []);
});

archives('that is not the one that was expected is refused', async ({ there, file, image }) => {
  const expected = digestOfHex('1'.repeat(64));
  assert.match((await failureOf(importImageFile(there.store, file, { expected }))).message, `it holds ${image.digest}`);
  assert.match(
    (await failureOf(importImageFile(there.store, file, { kind: 'service' }))).message,
    'expected a service VM, it holds a base VM',
  );
  await importImageFile(there.store, file, { expected: image.digest, kind: 'base' });
});

archives('that holds more than may be kept is refused while it is unpacked', async ({ lab, bytes }) => {
  const store = await lab.another({ directory: join(lab.folder, 'there'), budgetBytes: 500_000 });
  const error = await failureOf(importImage(store, inPieces(bytes)));
  assert.match(error.message, 'it holds more than saved VMs may take on this computer');
  assert.equal(await readdir(store.directory), []);
});

archives('is given up when asked to', async ({ there, bytes, image, file, lab }) => {
  const signal = AbortSignal.abort(new Error('enough'));
  assert.is((await failureOf(importImage(there.store, inPieces(bytes), { signal }))).message, 'enough');
  const stop = new AbortController();
  const onProgress = () => stop.abort(new Error('enough'));
  const late = importImage(there.store, inPieces(bytes), { signal: stop.signal, onProgress });
  assert.is((await failureOf(late)).message, 'enough');
  assert.equal(await readdir(there.directory), []);
  const abort = AbortSignal.abort(new Error('enough'));
  await failureOf(exportImage(image, join(lab.folder, 'other.vm'), { signal: abort }));
  assert.equal((await readdir(lab.folder)).sort(), ['base.vm', 'images']);
  assert.ok((await stat(file)).size > 0);
});

archives('cannot be written where there is no directory, nor read where there is no file', async ({ lab, image }) => {
  const nowhere = join(lab.folder, 'no', 'base.vm');
  assert.is((await failureOf(exportImage(image, nowhere))).code, 'storage-unavailable');
  assert.is((await failureOf(importImageFile(lab.store, nowhere))).code, 'request-invalid');
  await mkdir(join(lab.folder, 'directory'));
  assert.is((await failureOf(exportImage(image, join(lab.folder, 'directory')))).code, 'storage-unavailable');
  assert.equal((await readdir(lab.folder)).sort(), ['base.vm', 'directory', 'images']);
});

archives('two at once of the same leave one', async ({ there, file, image }) => {
  const other = await there.another();
  const both = await Promise.all([importImageFile(there.store, file), importImageFile(other, file)]);
  assert.equal(both[0], both[1]);
  assert.equal(await readdir(there.directory), [hexOf(image.digest)]);
});

archives('replaces one here whose files were changed', async ({ lab, image, file }) => {
  await truncate(image.memory, 5);
  assert.equal(await importImageFile(lab.store, file), image);
  assert.equal(lab.refusals.length, 1);
  await writeFile(image.state, 'x');
  assert.is(await lab.store.find(image.digest), null);
});

archives.run();
refused.run();
