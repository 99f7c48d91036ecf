import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, type ErrorCode } from '../../../guest-sdk/protocol/index.ts';
import type { BaseImage } from '../../../runtime/image/index.ts';
import { conditionsOf, type MachineShape, SnapshotStore } from '../../../runtime/machine/index.ts';
import { KeptImage } from '../../../runtime/sandbox-source/kept-image.ts';
import { MachineLadder } from '../../../runtime/sandbox-source/machine-ladder.ts';
import { versionOf } from '../../support/fake-version.ts';

const SHAPE: MachineShape = {
  accelerator: { kind: 'tcg', cpu: 'max', tscKhz: null, qemuVersion: '7.2.22', reason: 'the test wants it' },
  memoryMib: 1,
  vcpus: 1,
  workers: 1,
};

const IMAGE: BaseImage = {
  digest: '0'.repeat(64),
  directory: '/nowhere',
  kernel: '/nowhere/kernel',
  initrd: '/nowhere/initrd',
  root: '/nowhere/root',
  manifest: {
    format: 2,
    kernel: { name: 'linux', version: '6.1' },
    own: '0'.repeat(64),
    node: 'v24.21.0',
    files: {},
  },
};

const ladders = suite('the ladder of machines');

for (const code of ['storage-full', 'storage-unavailable'] as const satisfies ErrorCode[]) {
  ladders(`boots a machine where its own copy of a snapshot fails with ${code}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cloudlet-ladder-'));
    const warnings: string[] = [];
    const warning = (sentence: string) => void warnings.push(sentence);
    const store = await SnapshotStore.open({ directory: join(directory, 'snapshots'), budgetBytes: 2 ** 40, floor: 0 });
    const golden = await store.draft(conditionsOf(SHAPE, IMAGE.digest, null));
    await writeFile(golden.saved, 'the state of a machine');
    await golden.commit();
    store.draft = () => Promise.reject(new CloudletError(code, 'no space'));
    const image = new KeptImage(directory, warning);
    image.get = async () => IMAGE;
    const ladder = new MachineLadder({ store, shape: SHAPE, image, warning, isolation: 'dedicated' });
    // The files of the image are not there, which only a boot finds out.
    const error = await ladder.start(versionOf('v'), new AbortController().signal).catch((thrown: unknown) => thrown);
    assert.match((error as Error).message, 'the base image cannot be read');
    assert.equal(warnings, ['a machine could not have memory of its own from a snapshot: no space']);
    await rm(directory, { recursive: true });
  });
}

ladders('takes no snapshot of a version that was granted more', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-ladder-'));
  const store = await SnapshotStore.open({ directory: join(directory, 'snapshots'), budgetBytes: 2 ** 40, floor: 0 });
  const image = new KeptImage(directory, () => {});
  image.get = async () => IMAGE;
  const contents: (string | null)[] = [];
  store.find = ({ content }) => {
    contents.push(content);
    return Promise.reject(new Error('enough'));
  };
  const ladder = new MachineLadder({ store, shape: SHAPE, image, warning: () => {}, isolation: 'shared' });
  const version = versionOf('v');
  const { grant } = version;
  for (const changed of [
    grant,
    { ...grant },
    { ...grant, scratch: [{ path: '/tmp', bytes: 1000, from: null }] },
    { ...grant, scratch: [{ path: '/tmp', bytes: 10, from: null }] },
    { ...grant, limits: { ...grant.limits, cpuMs: 1 } },
  ]) {
    await ladder.start({ ...version, grant: changed }, new AbortController().signal).catch(() => {});
  }
  assert.is(contents.length, 5);
  assert.is(new Set(contents).size, 4);
  await rm(directory, { recursive: true });
});

ladders.run();
