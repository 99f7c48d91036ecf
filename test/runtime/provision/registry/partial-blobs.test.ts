import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOf, hexOf } from '../../../../guest-sdk/protocol/index.ts';
import { PartialBlobs } from '../../../../runtime/provision/registry/partial-blobs.ts';
import { BlobStore } from '../../../../runtime/store/index.ts';
import { refused } from '../../../support/refusal.ts';

const partial = suite('blobs that come in several tries');

const BYTES = new TextEncoder().encode('the bytes of a part');
const DIGEST = await digestOf(BYTES);
const NEVER = new AbortController().signal;

let folder: string;
let blobs: BlobStore;
let coming: PartialBlobs;
partial.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudlet-partial-'));
  blobs = await BlobStore.open(join(folder, 'blobs'));
  coming = new PartialBlobs({ directory: join(folder, 'pulls'), blobs, mostBytes: 100 });
  await coming.sweep();
});
partial.after.each(() => rm(folder, { recursive: true }));

/** The part as `give` sends it from each start that is asked for. */
function part(give: (start: number) => AsyncIterable<Uint8Array>, starts: number[] = []) {
  const from = (start: number) => {
    starts.push(start);
    return give(start);
  };
  return { digest: DIGEST, size: BYTES.length, from, onBytes: () => undefined };
}
async function* all(start: number) {
  yield BYTES.subarray(start);
}
async function* breaking(start: number) {
  yield BYTES.subarray(start, start + 5);
  throw new Error('it broke');
}

partial('go on where the last try ended, and are blobs when they are whole', async () => {
  const starts: number[] = [];
  for (let tries = 0; tries < 2; tries += 1)
    await coming.complete(part(breaking, starts), NEVER).catch((error: Error) => assert.is(error.message, 'it broke'));
  assert.equal(await blobs.list(), []);
  const { digest, release } = await coming.complete(part(all, starts), NEVER);
  assert.equal([digest, starts], [DIGEST, [0, 5, 10]]);
  release();
  await coming.forget([DIGEST]);
  assert.equal(await readdir(join(folder, 'pulls')), []);
});

partial('are wanted twice at once and come once', async () => {
  const starts: number[] = [];
  const written = await Promise.all([1, 2].map(() => coming.complete(part(all, starts), NEVER)));
  assert.equal(starts, [0]);
  for (const { release } of written) release();
});

partial('are fetched anew when what was kept is not theirs, and refused when what comes is not', async () => {
  const path = join(folder, 'pulls', hexOf(DIGEST));
  for (const torn of ['the XXXXX', 'x'.repeat(BYTES.length), 'x'.repeat(50)]) {
    await writeFile(path, torn);
    (await coming.complete(part(all), NEVER)).release();
    await coming.forget([DIGEST]);
  }
  const lying = part(async function* (start) {
    yield new Uint8Array(BYTES.length - start);
  });
  await refused(() => coming.complete(lying, NEVER), 'package-invalid', /with digest sha256/);
  assert.equal(await readdir(join(folder, 'pulls')), []);
});

partial('are given up after a day, and the oldest when they are too many', async () => {
  const put = async (name: string, bytes: number, hoursAgo: number) => {
    const path = join(folder, 'pulls', name);
    await writeFile(path, new Uint8Array(bytes));
    const at = Date.now() / 1000 - hoursAgo * 3600;
    await utimes(path, at, at);
  };
  await put('a', 40, 3);
  await put('b', 40, 2);
  await put('c', 40, 1);
  await put('d', 1, 25);
  await coming.sweep();
  assert.equal((await readdir(join(folder, 'pulls'))).sort(), ['b', 'c']);
});

partial.run();
