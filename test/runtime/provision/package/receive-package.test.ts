import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError, type ErrorCode, MEDIA_TYPES, writePackage } from '../../../../guest-sdk/protocol/index.ts';
import { ByteFeed } from '../../../../runtime/provision/package/byte-feed.ts';
import { receivePackage } from '../../../../runtime/provision/package/receive-package.ts';
import { BlobStore } from '../../../../runtime/store/index.ts';
import { bodyOf } from '../../../support/cloudlet-lab.ts';
import { hexDigest, layoutOf, tarOf } from '../../../support/package-lab.ts';

const packages = suite('receiving a package');
const bytes = (text: string) => new TextEncoder().encode(text);
const LIMITS = { componentBytes: 1000, packageBytes: 20_000 };
const COMPONENT = [MEDIA_TYPES.component, bytes('component')] as const;

let directory: string;
let blobs: BlobStore;
packages.before.each(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cloudlet-receive-'));
  blobs = await BlobStore.open(directory);
});
packages.after.each(() => rm(directory, { recursive: true }));

const receive = (tar: Uint8Array) => receivePackage(new ByteFeed(bodyOf(tar, 1000)), blobs, LIMITS, undefined);

packages('keeps its parts by their digests until they are registered, or let go', async () => {
  const grant = { arguments: ['-v'] };
  const written = await writePackage({ component: bytes('component'), grant, files: [['a', bytes('A')]] });
  const received = await receive(Buffer.concat(written.pieces));
  assert.is(received.digest, written.digest);
  assert.equal(received.stored.component, { digest: `sha256:${hexDigest(bytes('component'))}`, sizeBytes: 9 });
  assert.equal(received.stored.grant, grant);
  assert.equal(
    received.stored.layers.map(({ compression }) => compression),
    ['none'],
  );
  assert.is(received.blobs.length, 5);
  assert.equal((await blobs.list()).sort(), [...received.blobs].sort());
  assert.equal(await blobs.gc(() => false), []);
  received.release();
  assert.is((await blobs.gc(() => false)).length, 5);
});

packages('tells of a component when it is whole, while its files still come', async () => {
  const component = bytes('\0asm and more');
  const files = [['a', new Uint8Array(5000)]] as const;
  const { pieces } = await writePackage({ component, grant: {}, files: [...files] });
  const tar = Buffer.concat(pieces);
  const told: string[] = [];
  let toldBefore = Number.POSITIVE_INFINITY;
  async function* slowly() {
    for (let at = 0; at < tar.length; at += 512) {
      yield tar.subarray(at, at + 512);
      if (told.length > 0) toldBefore = Math.min(toldBefore, at);
    }
  }
  const arrived = (digest: string) => void told.push(digest);
  const received = await receivePackage(new ByteFeed(slowly()), blobs, LIMITS, undefined, { arrived });
  assert.equal(told, [`sha256:${hexDigest(component)}`]);
  assert.ok(toldBefore < tar.length - 5000, `at byte ${toldBefore} of ${tar.length}`);
  received.release();
});

packages('takes what other tools write: any order, further files, no grant', async () => {
  const tar = layoutOf({
    layers: [COMPONENT],
    files: (files) => [...files.toReversed(), ['manifest.json', '[]'], ['repositories', '{}']],
  });
  const { stored } = await receive(tar);
  assert.equal(stored.grant, {});
  assert.equal(stored.layers, []);
});

packages('knows the compressions of layers', async () => {
  const types = [MEDIA_TYPES.files, MEDIA_TYPES.filesGzip, MEDIA_TYPES.filesZstd];
  const { stored } = await receive(
    layoutOf({ layers: [COMPONENT, ...types.map((type) => [type, bytes(type)] as const)] }),
  );
  assert.equal(
    stored.layers.map(({ compression }) => compression),
    ['none', 'gzip', 'zstd'],
  );
});

packages('holds nothing of one in which a blob comes again under another name', async () => {
  const again = `blobs/sha256/${'0'.repeat(64)}`;
  const tar = layoutOf({ layers: [COMPONENT], files: (files) => [...files, [again, bytes('component')]] });
  const error = await receive(tar).catch((thrown: unknown) => thrown);
  assert.is((error as CloudletError).code, 'package-invalid');
  await blobs.gc(() => false);
  assert.equal(await blobs.list(), []);
});

const grant = (value: unknown) =>
  [MEDIA_TYPES.grant, bytes(typeof value === 'string' ? value : JSON.stringify(value))] as const;
for (const [name, tar, code, sentence] of [
  ['is no layout', tarOf([['a', '']]), 'package-invalid', 'an OCI image layout in a tar, got one without oci-layout'],
  [
    'has no index',
    layoutOf({ layers: [COMPONENT], files: (files) => files.filter(([path]) => path !== 'index.json') }),
    'package-invalid',
    'without index.json',
  ],
  [
    'has an index that is not JSON',
    layoutOf({
      layers: [COMPONENT],
      files: (files) => files.map(([path, content]) => [path, path === 'index.json' ? '{' : content]),
    }),
    'package-invalid',
    'index.json as JSON',
  ],
  [
    'has two manifests',
    layoutOf({
      layers: [COMPONENT],
      index: (index) => ({ ...index, manifests: [...index.manifests, ...index.manifests] }),
    }),
    'package-invalid',
    'an index with one manifest, got 2',
  ],
  [
    'is of another version',
    layoutOf({
      layers: [COMPONENT],
      files: (files) =>
        files.map(([path, content]) => [path, path === 'oci-layout' ? '{"imageLayoutVersion":"2.0"}' : content]),
    }),
    'package-invalid',
    'imageLayoutVersion must be a version 1',
  ],
  [
    'lacks a blob',
    layoutOf({
      layers: [COMPONENT],
      files: (files) => files.filter(([, content]) => Buffer.from(content).toString() !== 'component'),
    }),
    'package-invalid',
    'expected the component as blobs/sha256/',
  ],
  [
    'has a blob under another name',
    layoutOf({
      layers: [COMPONENT],
      files: (files) =>
        files.map(([path, content]) => [path, Buffer.from(content).toString() === 'component' ? 'forged!!!' : content]),
    }),
    'package-invalid',
    'expected a blob with digest',
  ],
  [
    'says another size',
    layoutOf({
      layers: [COMPONENT],
      manifest: (manifest) => ({ ...manifest, layers: [{ ...manifest.layers[0], size: 8 }] }),
    }),
    'package-invalid',
    'the component of 8 bytes, got 9',
  ],
  [
    'has no component',
    layoutOf({ layers: [grant({})] }),
    'package-invalid',
    'expected a layer application/wasm, got none',
  ],
  [
    'has two components',
    layoutOf({ layers: [COMPONENT, [MEDIA_TYPES.component, bytes('other')]] }),
    'package-invalid',
    'one component, got 2',
  ],
  [
    'has a large component',
    layoutOf({ layers: [[MEDIA_TYPES.component, new Uint8Array(1001)]] }),
    'package-invalid',
    'at most 1000 bytes, got 1001',
  ],
  [
    'is larger than a package may be',
    layoutOf({ layers: [COMPONENT, [MEDIA_TYPES.files, new Uint8Array(30_000)]] }),
    'package-invalid',
    'files of more than 20000 bytes',
  ],
  [
    'has a layer of another kind',
    layoutOf({ layers: [COMPONENT, ['text/plain', bytes('')]] }),
    'package-invalid',
    'a layer to be application/wasm or',
  ],
  [
    'has a config of a container',
    layoutOf({ layers: [COMPONENT], configType: 'application/vnd.oci.image.config.v1+json' }),
    'package-invalid',
    'the config to be application/vnd.wasm.config.v0+json',
  ],
  [
    'has a grant with an unknown key',
    layoutOf({ layers: [COMPONENT, grant({ name: 'x' })] }),
    'grant-invalid',
    'name is not a known key',
  ],
  [
    'has a grant that is not JSON',
    layoutOf({ layers: [COMPONENT, grant('{')] }),
    'package-invalid',
    'the grant as JSON',
  ],
  ['is cut', layoutOf({ layers: [COMPONENT] }).subarray(0, 3000), 'body-truncated', 'more bytes'],
] as const satisfies readonly (readonly [string, Uint8Array, ErrorCode, string])[]) {
  packages(`that ${name} is refused, and nothing of it is held`, async () => {
    const error = await receive(tar).catch((thrown: unknown) => thrown);
    assert.instance(error, CloudletError);
    assert.is((error as CloudletError).code, code, (error as Error).message);
    assert.ok((error as Error).message.includes(sentence), (error as Error).message);
    await blobs.gc(() => false);
    assert.equal(await blobs.list(), []);
  });
}

packages.run();
