import { copyFile, rm } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, type Digest, digestOfHex, type ServiceSpec } from '../../../../../guest-sdk/protocol/index.ts';
import { BlankVms } from '../../../../../runtime/provision/overlay/synthesis/blank-vms.ts';
import type { RestoreVmOptions } from '../../../../../runtime/vm/machine/vm-options.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';
import { LAB_ACCELERATOR, SynthesisLab } from '../../../../support/synthesis-lab.ts';

const blanks = suite<{ lab: SynthesisLab; blanks: BlankVms; started: RestoreVmOptions[] }>(
  'VMs that wait for an overlay',
);

blanks.before.each(async (context) => {
  const lab = await SynthesisLab.open(20261126);
  const { diskMib, cpus } = lab.manifest.service.limits;
  context.lab = lab;
  context.started = [];
  context.blanks = new BlankVms({
    images: lab.store,
    accelerator: async () => LAB_ACCELERATOR,
    restore: (options) => {
      context.started.push(options);
      return lab.restore(options);
    },
    limits: { growthBytes: diskMib * 2 ** 20, cpus },
  });
});
blanks.after.each(async ({ lab, blanks: each }) => {
  await each.close();
  await lab.close();
});

const sendAll = (lab: SynthesisLab): void => {
  for (const index of lab.segments.keys()) lab.send(index);
};

blanks(
  'one that waits becomes the VM, and the image is that of one that was begun anew',
  async ({ lab, blanks, started }) => {
    await blanks.prepare(lab.base);
    await blanks.prepare(lab.base);
    assert.equal(
      [started.length, lab.vms.length, (await lab.leftOvers()).length],
      [1, 0, 1],
      'one, which has run nothing',
    );
    sendAll(lab);
    const first = await (await lab.synthesize({}, { blanks })).image;
    assert.equal([started.length, lab.vms.length, await lab.leftOvers()], [1, 1, []]);
    assert.is(await lab.overlay.differs(first), null);
    lab.vms[0]!.end();
    await lab.store.remove(first.digest);
    const second = await (await lab.synthesize({}, { blanks })).image;
    assert.equal([started.length, second.digest], [1, first.digest]);
  },
);

blanks('one does not serve for another overlay than it was made for', async ({ lab, blanks }) => {
  await blanks.prepare(lab.base);
  sendAll(lab);
  const { run, port } = lab.manifest.service;
  const { limits } = lab.manifest.service;
  for (const change of [{ cpus: limits.cpus + 1 }, { diskMib: limits.diskMib + 1 }]) {
    const { service } = { service: { ...lab.manifest.service, run, port, limits: { ...limits, ...change } } };
    const { image } = await lab.synthesize({ service: service as ServiceSpec }, { blanks });
    await image;
    assert.is((await lab.leftOvers()).length, 1, 'it still waits');
  }
  await blanks.close();
  assert.equal(await lab.leftOvers(), []);
});

blanks('one whose QEMU has ended is not given out', async ({ lab, started }) => {
  const dying = new BlankVms({
    images: lab.store,
    accelerator: async () => LAB_ACCELERATOR,
    restore: async (options) => {
      started.push(options);
      throw new CloudletError('machine-failed', 'it was killed');
    },
    limits: { growthBytes: lab.manifest.service.limits.diskMib * 2 ** 20, cpus: lab.manifest.service.limits.cpus },
  });
  await dying.prepare(lab.base);
  sendAll(lab);
  const { image } = await lab.synthesize({}, { blanks: dying });
  await image;
  assert.equal([started.length, lab.vms.length, await lab.leftOvers()], [1, 1, []]);
});

blanks('an overlay that is refused, or given up, takes its blank with it', async ({ lab, blanks }) => {
  for (const fail of [
    { get: async (): Promise<Uint8Array> => new Uint8Array(1) },
    { get: async (_: Digest): Promise<Uint8Array> => Promise.reject(new CloudletError('interrupted', 'it broke off')) },
  ]) {
    await blanks.prepare(lab.base);
    const error = await lab.synthesize({}, { blanks, parts: fail }).then(
      () => assert.unreachable(),
      (thrown: CloudletError) => thrown,
    );
    assert.instance(error, CloudletError);
    assert.equal([lab.vms, await lab.leftOvers()], [[], []]);
  }
});

blanks('a cloudlet that closes leaves none, whatever it is at', async ({ lab, blanks }) => {
  const preparing = blanks.prepare(lab.base);
  await blanks.close();
  await preparing;
  await blanks.prepare(lab.base);
  assert.equal(await lab.leftOvers(), []);
});

blanks('one on a base that was removed ends, and one on another waits', async ({ lab, started }) => {
  const { limits } = lab.manifest.service;
  const clock = new FakeClock();
  const removed = { ...lab.base, memory: `${lab.base.memory}.another`, digest: digestOfHex('e'.repeat(64)) };
  await copyFile(lab.base.memory, removed.memory);
  const all = new BlankVms({
    images: lab.store,
    accelerator: async () => LAB_ACCELERATOR,
    restore: (options) => {
      started.push(options);
      return lab.restore(options);
    },
    limits: { growthBytes: limits.diskMib * 2 ** 20, cpus: limits.cpus },
    clock,
    other: async () => lab.base,
  });
  await all.prepare(removed);
  const [first] = await lab.leftOvers();
  clock.advance(10_000);
  assert.equal(await lab.leftOvers(), [first], 'its base is there');
  await rm(removed.memory);
  clock.advance(10_000);
  while (started.length < 2) await new Promise(setImmediate);
  assert.not.ok((await lab.leftOvers()).includes(first!));
  await all.close();
  assert.equal(await lab.leftOvers(), []);
});

blanks('the next one leaves the processors to the first answers', async ({ lab, started }) => {
  const clock = new FakeClock();
  const later = new BlankVms({
    ...{ images: lab.store, clock, limits: { growthBytes: 2 ** 20, cpus: 1 } },
    accelerator: async () => LAB_ACCELERATOR,
    restore: (options) => {
      started.push(options);
      return lab.restore(options);
    },
  });
  later.prepareSoon(lab.base);
  clock.advance(4999);
  assert.equal(await lab.leftOvers(), []);
  clock.advance(1);
  while (started.length === 0) await new Promise(setImmediate);
  await later.close();
  later.prepareSoon(lab.base);
  clock.advance(60_000);
  assert.equal(await lab.leftOvers(), []);
});

blanks.run();
