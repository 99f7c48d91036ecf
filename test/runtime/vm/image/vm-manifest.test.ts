import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CloudletError, digestOfHex } from '../../../../guest-sdk/protocol/index.ts';
import {
  memoryBlockBytes,
  parseVmManifest,
  type VmManifest,
  vmImageDigest,
  vmManifestText,
} from '../../../../runtime/vm/image/vm-manifest.ts';
import { HERE, SERVICE } from '../../../support/vm-image-lab.ts';

const CONDITIONS = { ...HERE, image: 'f'.repeat(64), memoryMib: 384, vcpus: 1, workers: 0, content: null };
const FILE = { bytes: 100, digest: '1'.repeat(64) };
const BASE: VmManifest = {
  format: 2,
  kind: 'base',
  key: 'a'.repeat(64),
  about: 'Debian 12, 81 packages',
  conditions: CONDITIONS,
  diskBytes: 4096,
  base: null,
  service: null,
  memory: { ...FILE, bytes: 384 * 2 ** 20 },
  state: FILE,
  layers: [{ format: 'raw', ...FILE, bytes: 4096 }],
};
const SERVED: VmManifest = {
  ...BASE,
  kind: 'service',
  key: null,
  base: digestOfHex('b'.repeat(64)),
  service: SERVICE,
  layers: [{ format: 'qcow2', ...FILE }],
};

const manifests = suite('the manifest of a saved VM');

for (const [what, manifest, digest] of [
  ['base', BASE, '0683651c541b5647d9e9c1c05177a50eff3c5c604c1d0ce4cb96ae40d0ed688b'],
  ['service', SERVED, '70e2ff6882d23a9b189e2833ea60ff22a495786a3ab34bdec78f50a323275ba5'],
] as const) {
  manifests(`of a ${what} has these bytes, else all images would be strangers`, () => {
    assert.is(vmImageDigest(vmManifestText(manifest)), `sha256:${digest}`);
  });
  manifests(`of a ${what} is read as it was written`, () => {
    assert.equal(parseVmManifest(vmManifestText(manifest)), manifest);
  });
}

manifests('of an earlier format is read, and its memory has the longer blocks of that', () => {
  const earlier = parseVmManifest(vmManifestText({ ...BASE, format: 1 }));
  assert.is(
    vmImageDigest(vmManifestText(earlier)),
    'sha256:8f2ee31d43f8a4ef541fc101ae42107014bdedd1c5c82c2383ef4fb895b88dad',
  );
  assert.is(memoryBlockBytes(earlier), 512 * 1024);
  assert.is(memoryBlockBytes(BASE), 16 * 1024);
});

manifests('says of a stock kernel that it is one, and of others nothing', () => {
  const stock = { ...BASE, stockKernel: true } as const;
  assert.equal(parseVmManifest(vmManifestText(stock)), stock);
  assert.not.match(vmManifestText(BASE), /stockKernel/);
});

manifests('has the same bytes whatever the order of its keys', () => {
  const other = Object.fromEntries(Object.entries(BASE).reverse()) as unknown as VmManifest;
  assert.is(vmManifestText(other), vmManifestText(BASE));
});

const text = (change: Record<string, unknown>, of: VmManifest = BASE) => JSON.stringify({ ...of, ...change });
for (const [what, bytes, sentence] of [
  ['is empty', '', /it is torn/],
  ['is torn', vmManifestText(BASE).slice(0, 100), /it is torn/],
  ['is another thing', '[]', /expected format 1 or 2, got none/],
  ['is of another format', text({ format: 3 }), /expected format 1 or 2, got 3; make it anew/],
  ['has a key that is not known', text({ more: 1 }), /more/],
  ['lacks its state', text({ state: undefined }), /state/],
  ['declares no memory', text({ memory: { ...FILE, bytes: 0 } }), /memory\.bytes/],
  ['declares another memory than its conditions', text({ memory: FILE }), /its memory is not of the size/],
  ['declares a disk without end', text({ layers: [{ format: 'raw', ...FILE, bytes: 2 ** 50 }] }), /layers\.0\.bytes/],
  ['has more layers than may be', text({ layers: Array(9).fill(SERVED.layers[0]) }), /layers/],
  ['has a path for a digest', text({ state: { bytes: 1, digest: '../../../etc/passwd' } }), /state\.digest/],
  ['has control characters in what people read', text({ about: '\u001b[2J' }), /about/],
  ['is a base with a base', text({ base: SERVED.base }), /do not fit its kind/],
  ['is a base with a server', text({ service: SERVICE }), /do not fit its kind/],
  ['is a base of which the lowest layer has holes', text({ layers: SERVED.layers }), /do not fit its kind/],
  ['is a base whose disk is of another size', text({ diskBytes: 8192 }), /do not fit its kind/],
  ['is a service without a base', text({ base: null }, SERVED), /do not fit its kind/],
  ['is a service without a server', text({ service: null }, SERVED), /do not fit its kind/],
  ['is a service with a disk of its own', text({ layers: BASE.layers }, SERVED), /do not fit its kind/],
] as const) {
  manifests(`that ${what} is refused`, () => {
    try {
      parseVmManifest(bytes);
    } catch (error) {
      assert.is((error as CloudletError).code, 'image-refused');
      assert.match((error as Error).message, sentence);
      return;
    }
    assert.unreachable('it was taken');
  });
}

manifests.run();
