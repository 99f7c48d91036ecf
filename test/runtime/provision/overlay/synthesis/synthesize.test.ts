import { readFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, digestOfHex, hexOf } from '../../../../../guest-sdk/protocol/index.ts';
import { encodeBlockSet } from '../../../../../runtime/provision/overlay/block-set.ts';
import { PAGE_BYTES } from '../../../../../runtime/provision/overlay/page-run.ts';
import { LayeredDisk } from '../../../../../runtime/vm/disk/layered-disk.ts';
import { LAB_DISK_BYTES } from '../../../../support/overlay-lab.ts';
import { SeededRandom } from '../../../../support/random.ts';
import { SynthesisLab } from '../../../../support/synthesis-lab.ts';

const SEED = Number(process.env.FUZZ_SEED ?? 20261126);

const synthesis = suite<{ lab: SynthesisLab; disk: Buffer }>('a synthesis');
synthesis.before.each(async (context) => {
  context.lab = await SynthesisLab.open(SEED);
  const disk = await LayeredDisk.open(context.lab.overlay.result.disk, LAB_DISK_BYTES);
  context.disk = Buffer.alloc(LAB_DISK_BYTES);
  disk.readSync(0, context.disk);
  await disk.close();
});
synthesis.after.each(({ lab }) => lab.close());

/** How something fails that must. */
const failureOf = (promise: Promise<unknown>): Promise<CloudletError> =>
  promise.then(
    () => assert.unreachable('it should have failed'),
    (error: CloudletError) => error,
  ) as Promise<CloudletError>;

synthesis('runs when its memory is complete, and becomes an image with the last segment', async ({ lab, disk }) => {
  for (const index of lab.indexes('state', 'memory')) lab.send(index);
  const { image } = await lab.synthesize();
  const [vm] = lab.vms;
  assert.is(await lab.overlay.differs({ ...vm!.options, disk: lab.overlay.result.disk }), null, 'memory and state');
  for (const index of lab.indexes('disk')) lab.send(index);
  const made = await image;
  assert.equal([made.kind, made.base, made.service?.port], ['service', lab.base.digest, 80]);
  assert.is(await lab.overlay.differs(made), null);
  assert.ok((await lab.readDisk(vm!)).equals(disk), 'it goes on with the disk that it had');
  assert.equal(
    await lab.store.findMade('service', hexOf(lab.read().digest)),
    made,
    'the next start is one of a cached VM',
  );
  assert.not.ok(vm!.closed);
  assert.equal(await lab.leftOvers(), []);
});

synthesis(
  'all of it may be applied before the server has answered, but it is no image before',
  async ({ lab, disk }) => {
    const key = hexOf(lab.read().digest);
    for (const answers of [false, true]) {
      const served = Promise.withResolvers<void>();
      const stop = new AbortController();
      for (const index of lab.indexes('state', 'memory', 'disk')) lab.send(index);
      const { image } = await lab.synthesize({}, { served: served.promise, signal: stop.signal });
      assert.ok((await lab.readDisk(lab.vms.at(-1)!)).equals(disk));
      assert.is(await lab.store.findMade('service', key), null);
      if (!answers) stop.abort(new CloudletError('not-ready', 'it does not answer'));
      served.resolve();
      if (answers) assert.equal(await image, await lab.store.findMade('service', key));
      else assert.is((await failureOf(image)).code, 'not-ready');
      assert.equal(await lab.leftOvers(), []);
      assert.is(lab.vms.at(-1)!.closed, !answers);
    }
  },
);

synthesis('a read of a block that has not come waits for it, and moves it to the front', async ({ lab, disk }) => {
  for (const index of lab.indexes('state', 'memory')) lab.send(index);
  await lab.synthesize();
  const [vm] = lab.vms;
  const last = lab.indexes('disk').at(-1)!;
  const block = [...lab.overlay.written].find((each) => lab.segmentOf(each) === last)!;
  const asked = lab.parts.asked.length;
  const reading = vm!.disk.read(block * PAGE_BYTES, PAGE_BYTES);
  const entry = lab.manifest.segments[last]!;
  await lab.parts.until(entry.digest);
  const needs = entry.kind === 'disk' ? entry.needs : [];
  const next = lab.parts.asked.slice(asked);
  assert.ok(next.includes(entry.digest), 'it was not asked for before');
  for (const need of needs) assert.ok(lab.parts.asked.includes(lab.manifest.segments[need]!.digest));
  for (const index of [...needs, last]) lab.send(index);
  assert.ok((await reading).equals(disk.subarray(block * PAGE_BYTES, (block + 1) * PAGE_BYTES)));
});

synthesis('blocks that are not in the overlay are there at once', async ({ lab, disk }) => {
  for (const index of lab.indexes('state', 'memory')) lab.send(index);
  await lab.synthesize();
  const block = [...Array(LAB_DISK_BYTES / PAGE_BYTES).keys()].find((each) => lab.segmentOf(each) === null)!;
  const read = await lab.vms[0]!.disk.read(block * PAGE_BYTES, PAGE_BYTES);
  assert.ok(read.equals(disk.subarray(block * PAGE_BYTES, (block + 1) * PAGE_BYTES)));
});

synthesis('segments may come in any order', async ({ lab }) => {
  const random = new SeededRandom(SEED);
  const order = [...lab.segments.keys()].map((index) => [random.next(), index] as const).sort(([a], [b]) => a - b);
  for (const [, index] of order) lab.send(index);
  const { image } = await lab.synthesize();
  assert.is(await lab.overlay.differs(await image), null);
});

synthesis('what does not fit is refused before a byte is asked for', async ({ lab }) => {
  const { conditions } = lab.manifest;
  for (const [what, change, code, why] of [
    ['another base', { base: digestOfHex('0'.repeat(64)) }, 'base-unknown', /not here; bring it/],
    ['another QEMU', { conditions: { ...conditions, qemu: '8.0.0' } }, 'conditions-differ', /QEMU was 8.0.0/],
    [
      'another processor',
      { conditions: { ...conditions, processor: 'host on another' } },
      'conditions-differ',
      /processor/,
    ],
    ['another accelerator', { conditions: { ...conditions, accelerator: 'kvm' } }, 'conditions-differ', /accelerator/],
    ['more memory', { conditions: { ...conditions, memoryMib: 8 } }, 'overlay-refused', /memoryMib is 8, the base's 4/],
    ['another disk', { diskBytes: 2 * LAB_DISK_BYTES }, 'overlay-refused', /its disk has/],
  ] as const) {
    const error = await failureOf(lab.synthesize(change));
    assert.equal([error.code, why.test(error.message)], [code, true], `${what}: ${error.message}`);
  }
  assert.equal([lab.parts.asked, lab.vms, await lab.leftOvers()], [[], [], []]);
  assert.is(await lab.store.remove(lab.base.digest), true, 'nobody holds the base any more');
});

synthesis('a service VM is no base', async ({ lab }) => {
  for (const index of lab.segments.keys()) lab.send(index);
  const { image } = await lab.synthesize();
  const error = await failureOf(lab.synthesize({ base: (await image).digest }));
  assert.match(error.message, /it is no base/);
});

synthesis('a segment that is not what its manifest says is refused before anything runs', async ({ lab }) => {
  const [index] = lab.indexes('memory');
  const good = lab.segments[index!]!;
  const forged = Buffer.from(good);
  forged[forged.length - 1]! ^= 1;
  for (const [what, bytes, why] of [
    ['torn', good.subarray(0, good.length - 1), /expected \d+ bytes, got/],
    ['forged', forged, /expected bytes with digest/],
    ['too long', Buffer.concat([good, Buffer.alloc(1)]), /expected \d+ bytes, got/],
  ] as const) {
    const parts = {
      get: async (digest: string) =>
        digest === lab.manifest.segments[index!]!.digest
          ? bytes
          : lab.segments[lab.manifest.segments.findIndex((each) => each.digest === digest)]!,
    };
    const error = await failureOf(lab.synthesize({}, { parts }));
    assert.is(error.code, 'overlay-refused', what);
    assert.match(error.message, why, what);
    assert.equal([lab.vms, await lab.leftOvers()], [[], []], what);
  }
});

synthesis('a manifest that lies about its segments is refused before anything runs', async ({ lab }) => {
  const segments = [...lab.manifest.segments];
  const [memory] = lab.indexes('memory');
  const [disk] = lab.indexes('disk');
  const lie = (index: number, change: object) =>
    segments.map((each, at) => (at === index ? { ...each, ...change } : each)) as typeof segments;
  for (const index of lab.segments.keys()) lab.send(index);
  const declared = segments[memory!]!;
  for (const [what, change] of [
    ['expands to less', lie(memory!, { expandedBytes: declared.expandedBytes - 1 })],
    ['fills less', lie(memory!, { pages: declared.kind === 'memory' ? declared.pages - 1 : 0 })],
  ] as const) {
    const error = await failureOf(lab.synthesize({ segments: change }));
    assert.is(error.code, 'overlay-refused', what);
    assert.equal([lab.vms, await lab.leftOvers()], [[], []], what);
  }
  // It would hold another block than it says, which the guest could have read from the base meanwhile.
  const [own, ...others] = lab.overlay.written.filter((block) => lab.segmentOf(block) === disk);
  const free = [...Array(LAB_DISK_BYTES / PAGE_BYTES).keys()].find((block) => lab.segmentOf(block) === null)!;
  assert.is.not(own, free);
  const blocks = encodeBlockSet([free, ...others]);
  const refusal = await lab.synthesize({ segments: lie(disk!, { blocks }) }).then(({ image }) => failureOf(image));
  assert.is(refusal.code, 'overlay-refused');
  assert.match(refusal.message, /does not hold the blocks that its manifest says/);
  assert.equal(await lab.leftOvers(), []);
});

synthesis('an upload that breaks off ends the VM, and leaves nothing', async ({ lab }) => {
  for (const index of lab.indexes('state', 'memory')) lab.send(index);
  const { image } = await lab.synthesize();
  const [vm] = lab.vms;
  const disk = lab.indexes('disk');
  lab.send(disk[0]!);
  const block = [...lab.overlay.written].find((each) => lab.segmentOf(each) === disk[1])!;
  const reading = vm!.disk.read(block * PAGE_BYTES, PAGE_BYTES).catch((error: Error) => error);
  await lab.parts.until(lab.manifest.segments[disk[1]!]!.digest);
  lab.parts.break(lab.manifest.segments[disk[1]!]!.digest, new CloudletError('interrupted', 'the device went away'));
  const error = await failureOf(image);
  assert.is(error.message, 'the device went away');
  assert.instance(await reading, Error);
  assert.ok(vm!.closed);
  assert.equal(await lab.leftOvers(), []);
  assert.is(await lab.store.findMade('service', hexOf(lab.read().digest)), null);
});

synthesis('giving it up at any moment leaves nothing', async ({ lab }) => {
  for (const sent of [0, 1, 2, lab.indexes('state', 'memory').length, lab.segments.length - 1]) {
    const stop = new AbortController();
    const parts = {
      get: (digest: string) =>
        new Promise<Uint8Array>((resolve) => {
          const index = lab.manifest.segments.findIndex((each) => each.digest === digest);
          if (index < sent) resolve(lab.segments[index]!);
          else setImmediate(() => stop.abort(new Error('given up')));
        }),
    };
    const error = await lab.synthesize({}, { parts, signal: stop.signal }).then(
      ({ image }) => failureOf(image),
      (thrown: Error) => thrown,
    );
    assert.is(error.message, 'given up', `${sent} sent`);
    assert.equal(await lab.leftOvers(), [], `${sent} sent`);
  }
  assert.ok(lab.vms.every(({ closed }) => closed));
  assert.is(await lab.store.remove(lab.base.digest), true, 'nobody holds the base any more');
});

synthesis('a VM that cannot be restored leaves nothing', async ({ lab }) => {
  for (const index of lab.segments.keys()) lab.send(index);
  const error = await failureOf(
    lab.synthesize({}, { restore: async () => Promise.reject(new CloudletError('machine-failed', 'no')) }),
  );
  assert.is(error.code, 'machine-failed');
  assert.equal(await lab.leftOvers(), []);
});

synthesis('a VM that ends early does not keep its image from being made', async ({ lab }) => {
  for (const index of lab.indexes('state', 'memory')) lab.send(index);
  const { image } = await lab.synthesize();
  lab.vms[0]!.end();
  for (const index of lab.indexes('disk')) lab.send(index);
  const made = await image;
  assert.ok((await readFile(made.state)).equals(await readFile(lab.overlay.result.state)));
  assert.is(await lab.overlay.differs(made), null);
});

synthesis.run();
