import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  conditionsOf,
  parseSnapshotManifest,
  type SnapshotConditions,
  snapshotKey,
  snapshotManifest,
} from '../../../../runtime/machine/snapshot/snapshot-manifest.ts';

const CONDITIONS: SnapshotConditions = {
  qemu: '7.2.22',
  accelerator: 'tcg',
  processor: 'max on a processor 0123456789abcdef',
  counterMhz: 2596,
  image: '0'.repeat(64),
  memoryMib: 512,
  vcpus: 2,
  workers: 4,
  content: null,
};
const MANIFEST = snapshotManifest({
  conditions: CONDITIONS,
  files: { memory: { bytes: 1, digest: 'a' }, state: { bytes: 2, digest: 'b' } },
  verified: { bootId: 'boot', memory: 'm', state: 's' },
});

const keys = suite('the key of a snapshot');

keys('is this one, else all snapshots would be made again', () => {
  assert.is(snapshotKey(CONDITIONS), '6d06bda03d276957a9debf3a60902f6a13dff15683eaefc1a673a36ece2b8e03');
});

for (const [what, other] of [
  ['version of QEMU', { qemu: '8.2.0' }],
  ['accelerator', { accelerator: 'kvm' }],
  ['processor', { processor: 'host' }],
  ['rate of the counter', { counterMhz: 2597 }],
  ['rate of the counter that is not known', { counterMhz: null }],
  ['image', { image: '1'.repeat(64) }],
  ['size of memory', { memoryMib: 513 }],
  ['number of processors', { vcpus: 1 }],
  ['number of workers', { workers: 5 }],
  ['content', { content: 'a version' }],
  ['content without a name', { content: '' }],
] as const) {
  keys(`is another with another ${what}`, () => {
    assert.is.not(snapshotKey({ ...CONDITIONS, ...other }), snapshotKey(CONDITIONS));
  });
}

const manifests = suite('the manifest of a snapshot');

manifests('is read as it was written', () => {
  assert.equal(parseSnapshotManifest(JSON.stringify(MANIFEST)), MANIFEST);
});

manifests('has the conditions of a machine as it would be started here', () => {
  const accelerator = { kind: 'tcg', cpu: 'max', tscKhz: 2_596_126, qemuVersion: '7.2.22', reason: '' } as const;
  const made = conditionsOf({ accelerator, memoryMib: 512, vcpus: 2, workers: 4 }, '0'.repeat(64), 'content');
  assert.match(made.processor, /^max,erms=off,fsrm=off on .+ [0-9a-f]{16}$/);
  assert.equal(made, { ...CONDITIONS, processor: made.processor, content: 'content' });
  const vm = conditionsOf({ accelerator, memoryMib: 512, vcpus: 2, workers: 0 }, '0'.repeat(64), null);
  assert.match(vm.processor, /^max on .+ [0-9a-f]{16}$/);
});

const TEXT = JSON.stringify(MANIFEST);
for (const [what, text] of [
  ['is empty', ''],
  ['is torn', TEXT.slice(0, TEXT.length / 2)],
  ['is of another format', JSON.stringify({ ...MANIFEST, format: 99 })],
  ['has a key that is not known', JSON.stringify({ ...MANIFEST, more: 1 })],
  ['has a condition that is not known', JSON.stringify({ ...MANIFEST, conditions: { ...CONDITIONS, more: 1 } })],
  ['lacks a condition', JSON.stringify({ ...MANIFEST, conditions: { ...CONDITIONS, qemu: undefined } })],
  ['lacks a file', JSON.stringify({ ...MANIFEST, files: { memory: MANIFEST.files.memory } })],
  ['is another thing', '[]'],
] as const) {
  manifests(`that ${what} is none`, () => assert.is(parseSnapshotManifest(text), null));
}

keys.run();
manifests.run();
