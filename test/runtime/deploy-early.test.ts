// end to end
// time limit: 300 s
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compressLayer } from '../../guest-sdk/build/compress-layer.ts';
import { contentOf, cutIntoParts } from '../../guest-sdk/client/index.ts';
import {
  blobOf,
  type CloudletError,
  type Deployment,
  type Digest,
  layoutOf,
  parseDeploymentRequest,
  parseName,
  type WrittenPackage,
  writePackage,
} from '../../guest-sdk/protocol/index.ts';
import { bodyOf, type CloudletLab, guestBytes, openLab } from '../support/cloudlet-lab.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { EMPTY } from '../support/pool-lab.ts';
import { SeededRandom } from '../support/random.ts';
import { NEVER, once } from './provision/deployment/deployments-lab.ts';

const early = suite('a package whose files come after it serves');
const NAME = parseName('reader');

let lab: CloudletLab;
early.before.each(async () => {
  lab = await openLab();
});
early.after.each(() => lab.close());

/** Bytes that do not compress, and so fill pieces of the layer. */
const letters = (seed: number, length: number): Uint8Array =>
  new SeededRandom(seed).bytes(length).map((byte) => 0x30 + (byte & 63));
const FILES = [
  ['data/first', letters(1, 700_000)],
  ['data/second', letters(2, 700_000)],
  ['data/third', letters(3, 700_000)],
] as const;

async function packed(files: readonly (readonly [string, Uint8Array])[] = FILES): Promise<WrittenPackage> {
  const grant = { files: [{ path: '/data', from: 'data' }] };
  return writePackage({ component: await guestBytes('reader'), grant, files, compress: compressLayer });
}

/** A device that sends what it is told to, and no more. */
async function device({ pieces, digest }: Pick<WrittenPackage, 'pieces' | 'digest'>) {
  const held = await cutIntoParts(contentOf(Buffer.concat(pieces)));
  const { deployments } = lab.cloudlet;
  const want = { function: NAME, digest, parts: [...held.parts] };
  const asked = await deployments.ask(parseDeploymentRequest({ want, early: true }));
  const { id } = asked.deployment;
  let last: Deployment = asked.deployment;
  const sent: Digest[] = [];
  const send = async (part: Digest, spoil?: (bytes: Uint8Array) => Uint8Array) => {
    const bytes = await held.read(part);
    if (spoil === undefined) sent.push(part);
    await deployments.part(id, part, once(spoil === undefined ? bytes : spoil(bytes)), NEVER);
  };
  const events = deployments.events(id);
  return {
    ...{ id, sent, send, parts: held.parts },
    /** All that is before the layer of files. */
    code: async () => {
      for (const { digest: part } of held.parts.slice(0, held.dataFrom! + 3))
        if (asked.missing.some(({ digest }) => digest === part)) await send(part);
    },
    /** The parts with bytes behind so many. */
    behind: (bytes: number): Set<Digest> => {
      let at = 0;
      return new Set(
        held.parts.flatMap((part) => {
          at += part.bytes;
          return at > bytes ? [part.digest] : [];
        }),
      );
    },
    all: async () => {
      for (const { digest: part } of asked.missing) if (!sent.includes(part)) await send(part);
    },
    /** The state in which it is when it has come to this stage. */
    until: async (stage: string): Promise<Deployment> => {
      while (last.stage !== stage) {
        const { value, done } = await events.next();
        if (done === true) throw new Error(`expected ${stage}, got ${JSON.stringify(last)}`);
        if (value.event === 'state') last = value.data;
      }
      return last;
    },
  };
}

/** The package `honest`, whose index is of its own files, with the layer of `other`. */
async function forged(honest: WrittenPackage, other: WrittenPackage) {
  const read = ({ manifest }: WrittenPackage) => JSON.parse(new TextDecoder().decode(manifest));
  const [manifest, foreign] = [read(honest), read(other)];
  const { annotations } = manifest.layers[2];
  const { digest } = foreign.layers[2];
  const made = await blobOf(
    new TextEncoder().encode(
      JSON.stringify({ ...manifest, layers: [...manifest.layers.slice(0, 2), { ...foreign.layers[2], annotations }] }),
    ),
  );
  const kept = [
    manifest.config.digest,
    ...manifest.layers.slice(0, 2).map((layer: { digest: Digest }) => layer.digest),
  ];
  const blobs = new Map<Digest, Uint8Array>([
    [made.digest, made.bytes],
    ...kept.map((each: Digest) => [each, honest.blobs.get(each)!] as const),
    [digest, other.blobs.get(digest)!],
  ]);
  return layoutOf(made, blobs, []);
}

async function run(words: readonly string[]): Promise<string> {
  const { output } = await lab.cloudlet.invoke(NAME, { door: 'run', arguments: words }, EMPTY);
  const pieces: Uint8Array[] = [];
  for await (const piece of output) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

const text = (at: number) => `/${FILES[at]![0]}: ${Buffer.from(FILES[at]![1]).toString()}\n`;

early('when its code is here; who reads a file has it sent before others', async () => {
  const written = await packed();
  const sender = await device(written);
  await sender.code();
  const ready = await sender.until('ready');
  assert.equal([ready.endedAt, ready.address, ready.published?.version], [null, '/v1/functions/reader', 1]);
  assert.ok(ready.bytesDone < ready.bytesTotal! / 4, `${ready.bytesDone} of ${ready.bytesTotal} bytes`);
  assert.is(await run(['list', '/data', 'stat', '/data/third']), '/data has 3 entries\n/data/third has 700000 bytes\n');

  const reading = run(['read', '/data/third']);
  // What is wanted first is the third file, which comes last in the package; nothing else is sent.
  const tail = sender.behind(written.sizeBytes - 700_000);
  let isAnswered = false;
  const answered = reading.finally(() => {
    isAnswered = true;
  });
  answered.catch(() => {}); // Awaited below.
  while (!isAnswered) {
    const [first] = lab.cloudlet.deployments.wanted(sender.id, 1).wanted;
    if (first !== undefined && tail.has(first)) await sender.send(first);
    else await new Promise(setImmediate);
  }
  assert.is(await reading, text(2));

  await sender.all();
  const end = await sender.until('complete');
  assert.is(end.bytesDone, end.bytesTotal);
  assert.is(await run(['read', '/data/first', 'read', '/data/second']), text(0) + text(1));
  assert.equal((await lab.cloudlet.function(NAME)).version, 1);
  await lab.reopen();
  assert.is(await run(['read', '/data/second']), text(1));
});

early('until its deployment is given up: then who waits is told, and the version before serves on', async () => {
  const plain = await packed([['data/first', new TextEncoder().encode('before')]]);
  await lab.cloudlet.publish(NAME, bodyOf(Buffer.concat(plain.pieces)));
  const sender = await device(await packed());
  await sender.code();
  await sender.until('ready');
  const failing = run(['read', '/data/second']).catch((error: CloudletError) => error.code);
  while (lab.cloudlet.recent().every(({ outcome }) => outcome !== 'running')) await new Promise(setImmediate);
  // Nobody could pull all of it.
  assert.equal(lab.cloudlet.distribution.tags(NAME), ['1', 'latest']);
  assert.is((await lab.cloudlet.distribution.manifest(NAME, { kind: 'latest' }))?.version, 1);
  await lab.cloudlet.deployments.cancel(sender.id);
  assert.is(await failing, 'files-missing');
  while ((await lab.cloudlet.function(NAME)).version !== 1) await new Promise(setImmediate);
  assert.is(await run(['read', '/data/first']), '/data/first: before\n');
});

early('and is absent after a restart, when not all of it had come; what had is not sent again', async () => {
  const written = await packed();
  const before = await device(written);
  await before.code();
  await before.until('ready');
  assert.equal(lab.cloudlet.distribution.repositories(), []);
  assert.throws(() => lab.cloudlet.distribution.tags(NAME), 'no version of the function reader is here whole yet');
  await lab.reopen();
  assert.equal(await lab.cloudlet.functions(), []);
  assert.equal([lab.cloudlet.deployments.get(before.id).problem?.code], ['interrupted']);
  const after = await device(written);
  const { wanted } = lab.cloudlet.deployments.wanted(after.id, 1000);
  assert.not(wanted.some((part) => before.sent.includes(part)));
  await after.all();
  await after.until('complete');
  assert.is(await run(['read', '/data/first']), text(0));
});

early('never a byte that is not what its manifest says', async () => {
  // A package with another's layer under its index: the layer has its digest, the files have not theirs.
  const [honest, other] = [await packed(), await packed(FILES.map(([path, bytes]) => [path, bytes.toReversed()]))];
  const sender = await device(await forged(honest, other));
  await sender.code();
  await sender.until('ready');
  const failing = run(['read', '/data/first']).catch((error: CloudletError) => error.code);
  await sender.all();
  const { problem } = await sender.until('failed');
  assert.is(problem?.code, 'package-invalid');
  assert.match(problem!.detail, /by its index: expected/);
  assert.is(await failing, 'package-invalid');
  while ((await lab.cloudlet.functions()).length > 0) await new Promise(setImmediate);
});

early(
  'until its device has been silent for five minutes: then it is taken back, and what had come is kept',
  async () => {
    const clock = new FakeClock();
    await lab.reopen({ deploymentClock: clock });
    const written = await packed();
    const sender = await device(written);
    await sender.code();
    await sender.until('ready');
    const failing = run(['read', '/data/first']).catch((error: CloudletError) => error);
    clock.advance(299_000);
    // Whatever comes is a sign of life.
    await sender.send(sender.parts.at(-1)!.digest);
    clock.advance(299_000);
    assert.is(lab.cloudlet.deployments.get(sender.id).endedAt, null);
    clock.advance(2000);
    assert.is((await sender.until('failed')).problem?.code, 'request-timeout');
    const told = await failing;
    assert.is((told as CloudletError).code, 'files-missing');
    assert.match(
      (told as CloudletError).message,
      /do not come: expected a part that is missing within 300 s.*deploy it again/,
    );
    while ((await lab.cloudlet.functions()).length > 0) await new Promise(setImmediate);
    // The device is back.
    const again = await device(written);
    await again.all();
    await again.until('complete');
    assert.not(again.sent.some((part) => sender.sent.includes(part)));
    assert.is(await run(['read', '/data/first']), text(0));
  },
);

early(
  'although parts of it come torn, forged or too long: each is refused, and nobody reads a byte of it',
  async () => {
    const written = await packed();
    const sender = await device(written);
    await sender.code();
    await sender.until('ready');
    const reading = run(['read', '/data/second']);
    const spoils = [
      ['body-truncated', (bytes: Uint8Array) => bytes.subarray(0, bytes.length / 2)],
      ['body-truncated', (bytes: Uint8Array) => bytes.map((byte, at) => (at === 100 ? byte ^ 1 : byte))],
      ['body-too-large', (bytes: Uint8Array) => Buffer.concat([bytes, bytes.subarray(0, 1)])],
    ] as const;
    const rest = sender.parts.filter(({ digest }) => !sender.sent.includes(digest));
    for (const [at, { digest: part }] of rest.entries()) {
      const [code, spoil] = spoils[at % spoils.length]!;
      assert.is(await sender.send(part, spoil).catch((error: CloudletError) => error.code), code);
    }
    assert.is(lab.cloudlet.deployments.get(sender.id).endedAt, null);
    assert.equal(lab.cloudlet.deployments.wanted(sender.id, 1000).missing, rest.length);
    await sender.all();
    await sender.until('complete');
    assert.is(await reading, text(1));
  },
);

early(
  'until the disk is full: the version before serves on, nothing is left, and with room it comes after all',
  async () => {
    await lab.close();
    const disk = await mkdtemp(join(tmpdir(), 'cloudlet-small-'));
    // Who may mount nothing has a full disk only when it is full.
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'cloudlet-test', disk]).status === 0;
    lab = await openLab({ dataDir: disk });
    try {
      const plain = await packed([['data/first', new TextEncoder().encode('before')]]);
      await lab.cloudlet.publish(NAME, bodyOf(Buffer.concat(plain.pieces)));
      const written = await packed();
      const sender = await device(written);
      await sender.code();
      await sender.until('ready');
      const failing = run(['read', '/data/second']).catch((error: CloudletError) => error.code);
      const { bavail, bsize } = await statfs(disk);
      if (mounted) await writeFile(join(disk, 'filler'), new Uint8Array(bavail * bsize - 400_000));
      const refused = await sender.all().then(
        () => null,
        (error: CloudletError) => error.code,
      );
      if (mounted) {
        if (refused === null) assert.is((await sender.until('failed')).problem?.code, 'storage-full');
        else {
          assert.is(refused, 'storage-full');
          await lab.cloudlet.deployments.cancel(sender.id);
        }
        assert.match(await failing, /^(files-missing|storage-full)$/);
        while ((await lab.cloudlet.function(NAME)).version !== 1) await new Promise(setImmediate);
        assert.is(await run(['read', '/data/first']), '/data/first: before\n');
        assert.equal(await readdir(join(disk, 'blobs/incoming')), []);
        await rm(join(disk, 'filler'));
        const again = await device(written);
        await again.all();
        await again.until('complete');
      }
      assert.is(await run(['read', '/data/second']), text(1));
    } finally {
      await lab.close();
      if (mounted) spawnSync('umount', [disk]);
      await rm(disk, { recursive: true });
      lab = await openLab();
    }
  },
);

early('only when all is here, for who does not ask for more', async () => {
  const { pieces, digest } = await packed();
  const held = await cutIntoParts(contentOf(Buffer.concat(pieces)));
  const { deployments } = lab.cloudlet;
  const want = { function: NAME, digest, parts: [...held.parts] };
  const { deployment, missing } = await deployments.ask(parseDeploymentRequest({ want }));
  for (const part of missing)
    await deployments.part(deployment.id, part.digest, once(await held.read(part.digest)), NEVER);
  const stages: string[] = [];
  for await (const { event, data } of deployments.events(deployment.id)) if (event === 'state') stages.push(data.stage);
  assert.equal([stages.at(-1), stages.filter((stage) => stage === 'ready').length], ['ready', 1]);
});

early.run();
