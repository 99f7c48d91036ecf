import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, type Digest, digestOfHex, type ErrorCode } from '../../../guest-sdk/protocol/index.ts';
import { BlobStore } from '../../../runtime/store/index.ts';

const store = suite('blob store');
let directory: string;

store.before.each(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cloudlet-blobs-'));
});
store.after.each(() => rm(directory, { recursive: true }));

const digestOf = (bytes: Uint8Array): Digest => digestOfHex(createHash('sha256').update(bytes).digest('hex'));

async function* chunks(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

/** A sender that never sends again, and says when somebody waits for it. */
function silent(first: Uint8Array): { body: AsyncIterable<Uint8Array>; waiting: Promise<void> } {
  const waiting = Promise.withResolvers<void>();
  async function* body(): AsyncGenerator<Uint8Array> {
    yield first;
    waiting.resolve();
    await new Promise(() => {});
  }
  return { body: body(), waiting: waiting.promise };
}

async function refused(work: Promise<unknown>, code: ErrorCode, sentence: RegExp): Promise<void> {
  const error = await work.then(
    () => assert.unreachable('expected a refusal'),
    (thrown: unknown) => thrown,
  );
  assert.instance(error, CloudletError);
  assert.is((error as CloudletError).code, code);
  assert.match((error as CloudletError).message, sentence);
}

async function filesIn(name: string): Promise<string[]> {
  const entries = await readdir(join(directory, name), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

const LIMIT = { limitBytes: 1024 * 1024 };

store('a body in chunks is stored under its digest and read back', async () => {
  const blobs = await BlobStore.open(directory);
  const parts = [randomBytes(70_000), randomBytes(1), new Uint8Array(0), randomBytes(300_000)];
  const whole = Buffer.concat(parts);
  const totals: number[] = [];
  const written = await blobs.write(chunks(...parts), { ...LIMIT, onBytes: (total) => totals.push(total) });
  assert.is(written.digest, digestOf(whole));
  assert.is(written.sizeBytes, whole.length);
  assert.equal(totals, [70_000, 70_001, 70_001, 370_001]);
  assert.equal(Buffer.from(await blobs.read(written.digest)), whole);
  assert.equal(await filesIn('incoming'), []);
});

store('an empty body is a blob too', async () => {
  const blobs = await BlobStore.open(directory);
  const { digest } = await blobs.write(chunks(), LIMIT);
  assert.equal(await blobs.read(digest), new Uint8Array(0));
});

const body = Buffer.from('a component, nearly');
async function* breaksOff(): AsyncGenerator<Uint8Array> {
  yield body;
  throw new Error('ECONNRESET');
}
for (const [what, source, options, code, sentence] of [
  [
    'one byte over the limit',
    () => chunks(body),
    { limitBytes: body.length - 1 },
    'body-too-large',
    /at most 18 bytes/,
  ],
  [
    'a declared length over the limit',
    () => chunks(body),
    { limitBytes: 5, expectedBytes: 6 },
    'body-too-large',
    /got 6/,
  ],
  [
    'fewer bytes than declared',
    () => chunks(body),
    { ...LIMIT, expectedBytes: 20 },
    'body-truncated',
    /20 bytes, got 19/,
  ],
  [
    'more bytes than declared',
    () => chunks(body),
    { ...LIMIT, expectedBytes: 18 },
    'body-truncated',
    /18 bytes, got 19/,
  ],
  [
    'another digest than declared',
    () => chunks(body),
    { ...LIMIT, expectedDigest: digestOf(Buffer.from('x')) },
    'body-truncated',
    /digest/,
  ],
  ['a sender that breaks off', breaksOff, LIMIT, 'body-truncated', /broke off after 19 bytes/],
] as const) {
  store(`${what} is ${code} and leaves nothing`, async () => {
    const blobs = await BlobStore.open(directory);
    await refused(blobs.write(source(), options), code, sentence);
    assert.equal(await filesIn('.'), []);
  });
}

store('a full disk is storage-full and leaves nothing', async () => {
  const blobs = await BlobStore.open(directory, {
    openTemporary: async (path) => {
      await writeFile(path, 'what was written before the disk was full');
      return open('/dev/full', 'w');
    },
  });
  await refused(blobs.write(chunks(body), LIMIT), 'storage-full', /free some space/);
  assert.equal(await filesIn('.'), []);
});

store('a silent sender is given up when the signal fires, and leaves nothing', async () => {
  const blobs = await BlobStore.open(directory);
  const { body: source, waiting } = silent(body);
  const abort = new AbortController();
  const writing = blobs.write(source, { ...LIMIT, signal: abort.signal });
  waiting.then(() => abort.abort());
  await refused(writing, 'client-closed', /left/);
  assert.equal(await filesIn('.'), []);
});

store('a signal that fired before the start stops the write', async () => {
  const blobs = await BlobStore.open(directory);
  const gaveUp = new CloudletError('draining', 'shutting down');
  await refused(
    blobs.write(chunks(body), { ...LIMIT, signal: AbortSignal.abort(gaveUp) }),
    'draining',
    /shutting down/,
  );
});

store('corrupt bytes are told apart, moved aside, and healed by writing the same blob again', async () => {
  const blobs = await BlobStore.open(directory);
  const { digest } = await blobs.write(chunks(body), LIMIT);
  await writeFile(blobs.path(digest), 'a component, nearlx');
  await refused(blobs.read(digest), 'storage-corrupt', /moved to/);
  assert.is((await filesIn('corrupt')).length, 1);
  await refused(blobs.read(digest), 'not-found', /found none/);
  await blobs.write(chunks(body), LIMIT);
  assert.equal(Buffer.from(await blobs.read(digest)), body);
});

store('writing over corrupt bytes heals them before anybody reads', async () => {
  const blobs = await BlobStore.open(directory);
  const { digest } = await blobs.write(chunks(body), LIMIT);
  await writeFile(blobs.path(digest), 'torn');
  await blobs.write(chunks(body), LIMIT);
  assert.equal(await readFile(blobs.path(digest)), body);
});

store('what a killed writer left is cleared at the next opening', async () => {
  await mkdir(join(directory, 'incoming'), { recursive: true });
  await writeFile(join(directory, 'incoming', 'abc'), 'half');
  await BlobStore.open(directory);
  assert.equal(await filesIn('.'), []);
});

store('garbage collection spares what is in use and what a writer still holds', async () => {
  const blobs = await BlobStore.open(directory);
  const used = await blobs.write(chunks(Buffer.from('used')), LIMIT);
  const held = await blobs.write(chunks(Buffer.from('held')), LIMIT);
  const heldTwice = await blobs.write(chunks(Buffer.from('held')), LIMIT);
  const loose = await blobs.write(chunks(Buffer.from('loose')), LIMIT);
  used.release();
  loose.release();
  loose.release();
  held.release();
  assert.equal(await blobs.gc((digest) => digest === used.digest), [loose.digest]);
  heldTwice.release();
  assert.equal(await blobs.gc((digest) => digest === used.digest), [held.digest]);
  assert.equal(await blobs.list(), [used.digest]);
});

store('what else lies among the blobs is let be', async () => {
  const blobs = await BlobStore.open(directory);
  const stored = await blobs.write(chunks(body), LIMIT);
  stored.release();
  await writeFile(join(directory, 'sha256', '.DS_Store'), 'left by a file manager');
  await mkdir(join(directory, 'sha256', 'aa', 'a'.repeat(64)), { recursive: true });
  assert.equal(await blobs.list(), [stored.digest]);
  assert.equal(await blobs.gc(() => false), [stored.digest]);
});

store('a failed write holds nothing', async () => {
  const blobs = await BlobStore.open(directory);
  const stored = await blobs.write(chunks(body), LIMIT);
  stored.release();
  await refused(blobs.write(chunks(body), { ...LIMIT, expectedBytes: 1 }), 'body-truncated', /got 19/);
  assert.equal(await blobs.gc(() => false), [stored.digest]);
});

store('two writers of the same bytes at once both succeed', async () => {
  const blobs = await BlobStore.open(directory);
  const [one, two] = await Promise.all([blobs.write(chunks(body), LIMIT), blobs.write(chunks(body), LIMIT)]);
  assert.is(one.digest, two.digest);
  assert.equal(Buffer.from(await blobs.read(one.digest)), body);
});

store.run();
