import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bytesOfDigest,
  type Digest,
  type EntryManifest,
  parseEntryManifest,
} from '../../../../guest-sdk/protocol/index.ts';
import { askForEntry, endOfDeployment } from '../../../../runtime/provision/entry/entry-deployment.ts';
import { openServiceEntry } from '../../../../runtime/provision/entry/service-entry.ts';
import type { Part, Rung, Wish } from '../../../../runtime/provision/index.ts';
import { overlayManifestText } from '../../../../runtime/provision/overlay/overlay-manifest.ts';
import { digestOf, utf8 } from '../../../support/catalogue-lab.ts';
import { LAB_CONDITIONS } from '../../../support/overlay-lab.ts';
import { refused } from '../../../support/refusal.ts';
import { type DeploymentsLab, NEVER, openDeploymentsLab } from '../deployment/deployments-lab.ts';

const entries = suite('a service of a store entry');

const PIECES = [utf8('first'), utf8('second'), utf8('third one')];
const PARTS: Part[] = PIECES.map((bytes) => ({ digest: digestOf(bytes), bytes: bytes.length }));
const RECIPE = utf8(JSON.stringify({ files: [{ path: '/a', parts: PARTS }], service: { run: 'a', port: 80 } }));

const service = (
  from: object,
  files: readonly (readonly [string, Uint8Array])[] = [],
): EntryManifest & { kind: 'service' } =>
  parseEntryManifest({
    ...{ format: 1, kind: 'service', name: 'ocr', version: '1', title: 'OCR', service: 'ocr', from },
    files: files.map(([name, bytes]) => ({ name, digest: digestOf(bytes), bytes: bytes.length, mediaType: 'a/b' })),
  }) as EntryManifest & { kind: 'service' };

const BY_RECIPE = service({ recipe: 'r.json' }, [
  ['r.json', RECIPE],
  ...PIECES.map((bytes, i) => [`p${i}`, bytes] as const),
]);
const OVERLAY = overlayFile();
const BY_OVERLAY = service({ overlay: 'o' }, [['o', OVERLAY]]);

/** A way that reads all parts, the last first, and says what it was wished. */
function way(wishes: Wish['want'][], name: Rung<Wish>['name'] = 'overlay'): Rung<Wish> {
  return {
    name,
    offer: async ({ want }) => {
      wishes.push(want);
      return {
        missing: PARTS,
        provision: async ({ parts }) => {
          for (const [i, { digest }] of PARTS.toReversed().entries())
            assert.equal(new Uint8Array(await parts.get(digest)), new Uint8Array(PIECES.toReversed()[i]!));
          return { kind: 'service', name: 'ocr', address: '/s/ocr/', digest: digestOf('image') };
        },
      };
    },
  };
}

async function store(lab: DeploymentsLab, ...all: Uint8Array[]): Promise<void> {
  for (const bytes of all)
    await lab.data.blobs.write([bytes] as unknown as AsyncIterable<Uint8Array>, { limitBytes: bytes.length });
}

for (const [what, manifest, files, wish] of [
  [
    'a recipe and its parts',
    BY_RECIPE,
    [RECIPE, ...PIECES],
    { service: 'ocr', recipe: JSON.parse(new TextDecoder().decode(RECIPE)) },
  ],
  ['an overlay and its segments', BY_OVERLAY, [OVERLAY], { service: 'ocr', overlay: JSON.parse(manifestText()) }],
] as const) {
  entries(`is deployed with ${what}, which the cloudlet sends itself`, async () => {
    const wishes: Wish['want'][] = [];
    const lab = await openDeploymentsLab([way(wishes)]);
    try {
      await store(lab, ...files);
      const opened = await openServiceEntry(manifest, lab.data.blobs);
      const fed = await askForEntry(lab.deployments, opened, { requirements: [] }, NEVER);
      assert.equal(fed.asked.missing, []);
      const provisioned = await endOfDeployment(lab.deployments, fed, NEVER);
      assert.equal(provisioned, { kind: 'service', name: 'ocr', address: '/s/ocr/', digest: digestOf('image') });
      await fed.fed;
      assert.equal(wishes[0] as object, wish);
    } finally {
      await lab.close();
    }
  });
}

entries('by an image wishes the image', async () => {
  const image = digestOf('image');
  const lab = await openDeploymentsLab([]);
  try {
    const { want } = await openServiceEntry(service({ image }), lab.data.blobs);
    assert.equal(want as object, { service: 'ocr', image });
  } finally {
    await lab.close();
  }
});

entries('whose part is not among its files is given up, and the failure says so', async () => {
  const lab = await openDeploymentsLab([way([])]);
  try {
    await store(lab, RECIPE);
    const manifest = service({ recipe: 'r.json' }, [['r.json', RECIPE]]);
    const fed = await askForEntry(
      lab.deployments,
      await openServiceEntry(manifest, lab.data.blobs),
      { requirements: [] },
      NEVER,
    );
    await refused(() => fed.fed, 'recipe-invalid', /among the files of "ocr"/);
    await refused(() => endOfDeployment(lab.deployments, fed, NEVER), 'client-closed', /cancelled/);
  } finally {
    await lab.close();
  }
});

entries('that no way leads to is refused with the reason of each', async () => {
  const lab = await openDeploymentsLab([{ name: 'overlay', offer: async () => ({ why: 'there is no base VM' }) }]);
  try {
    await store(lab, RECIPE);
    const opened = await openServiceEntry(BY_RECIPE, lab.data.blobs);
    await refused(
      () => askForEntry(lab.deployments, opened, { requirements: [] }, NEVER),
      'service-unknown',
      /no base VM/,
    );
  } finally {
    await lab.close();
  }
});

for (const [what, from, bytes, code, sentence] of [
  ['an overlay that is none', { overlay: 'f' }, utf8('not an overlay'), 'overlay-refused', /does not begin/],
  ['an overlay that is torn', { overlay: 'f' }, OVERLAY.subarray(0, OVERLAY.length - 1), 'overlay-refused', /torn/],
  ['a recipe that is no JSON', { recipe: 'f' }, utf8('{'), 'request-invalid', /object of JSON/],
  ['a recipe that is a list', { recipe: 'f' }, utf8('[]'), 'request-invalid', /object of JSON/],
  ['a recipe without an end', { recipe: 'f' }, new Uint8Array(2 ** 20 + 1), 'recipe-invalid', /at most/],
] as const) {
  entries(`is refused before anything runs: ${what}`, async () => {
    const lab = await openDeploymentsLab([way([])]);
    try {
      await store(lab, bytes);
      await refused(() => openServiceEntry(service(from, [['f', bytes]]), lab.data.blobs), code, sentence);
    } finally {
      await lab.close();
    }
  });
}

function manifestText(): string {
  const [state, memory, disk] = PARTS as [Part, Part, Part];
  return overlayManifestText({
    ...{ format: 1, base: digestOf('base'), about: 'a test', conditions: LAB_CONDITIONS, diskBytes: 8 * 2 ** 20 },
    service: {
      ...{ run: 'serve', port: 80, protocol: 'http', readyMs: 60_000, outbound: [] },
      ...{ probe: { path: '/' }, limits: { diskMib: 1024, cpus: 1, leaseS: 600, connections: 128 } },
    },
    segments: [
      { kind: 'state', ...state, expandedBytes: 20 },
      { kind: 'memory', ...memory, expandedBytes: 20, pages: 3 },
      { kind: 'disk', ...disk, expandedBytes: 20, pages: 2, blocks: 'BQI', needs: [] },
    ],
  });
}

function overlayFile(): Uint8Array {
  const text = Buffer.from(manifestText());
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return new Uint8Array(Buffer.concat([Buffer.from('cloudlet-overlay'), length, text, ...PIECES]));
}

entries('a digest is its 32 bytes', () => {
  const digest: Digest = digestOf('x');
  assert.is(Buffer.from(bytesOfDigest(digest)).toString('hex'), digest.slice(7));
});

entries.run();
