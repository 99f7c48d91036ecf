import { gzipSync, zstdCompressSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compressLayer } from '../../../../guest-sdk/build/compress-layer.ts';
import { CloudletError, digestOf, type FilesLayer, tarPieces } from '../../../../guest-sdk/protocol/index.ts';
import { ComingLayers } from '../../../../runtime/provision/package/coming-layers.ts';
import { MAX_FILES_BYTES } from '../../../../runtime/provision/package/layer-entries.ts';
import { bodyOf } from '../../../support/cloudlet-lab.ts';
import { tarEntry, tarOf } from '../../../support/package-lab.ts';
import { SeededRandom } from '../../../support/random.ts';

const layers = suite('layers of files that come');

type Layer = Pick<FilesLayer, 'digest' | 'compression'>;

async function layerOf(bytes: Uint8Array, compression: FilesLayer['compression'] = 'none'): Promise<Layer> {
  return { digest: await digestOf(bytes), compression };
}

async function pass(coming: ComingLayers, layer: Layer, bytes: Uint8Array): Promise<Uint8Array> {
  const passed: Uint8Array[] = [];
  for await (const piece of coming.through(layer, bodyOf(bytes, 1000))) passed.push(piece);
  return Buffer.concat(passed);
}

const lengths = (files: ReadonlyMap<string, { readonly length: number }> | null) =>
  files === null ? null : [...files].map(([path, { length }]) => [path, length]);

const LONG = new SeededRandom(5).bytes(700_000);
const TAR = Buffer.concat([...tarPieces([['data/a', LONG] as const, ['data/b', new Uint8Array(3)] as const])]);

for (const [compression, bytes] of [
  ['none', TAR],
  ['gzip', gzipSync(TAR)],
  [
    'zstd',
    (
      await compressLayer(
        tarPieces([
          ['data/a', LONG],
          ['data/b', new Uint8Array(3)],
        ]),
      )
    ).bytes,
  ],
] as const) {
  layers(`pass as they are, ${compression}, and are listed when their last byte has passed`, async () => {
    const coming = new ComingLayers();
    const layer = await layerOf(bytes, compression);
    assert.is(Buffer.compare(await pass(coming, layer, bytes), bytes), 0);
    assert.equal(lengths(await coming.files([layer])), [
      ['data/a', 700_000],
      ['data/b', 3],
    ]);
  });
}

layers('stand in for earlier ones, file by file', async () => {
  const coming = new ComingLayers();
  const [first, second] = [
    tarOf([
      ['a', 'one'],
      ['b', 'two'],
    ]),
    tarOf([['a', 'another']]),
  ];
  const both = [await layerOf(first), await layerOf(second)];
  // As they come, not as the manifest has them.
  await pass(coming, both[1]!, second);
  await pass(coming, both[0]!, first);
  assert.equal(lengths(await coming.files(both)), [
    ['a', 7],
    ['b', 3],
  ]);
});

layers('are compared with files that came before them', async () => {
  const coming = new ComingLayers();
  const came = [
    ['same', 'as it came'],
    ['other', 'something'],
    ['longer', 'something'],
  ].map(([path, text]) => [path!, { here: Buffer.from(text!) }] as const);
  coming.compare(new Map<string, { here: Uint8Array | null }>([...came, ['absent', { here: null }]]));
  const tar = tarOf([
    ['same', 'as it came'],
    ['other', 'SOMETHING'],
    ['longer', 'something else'],
    ['absent', ''],
    ['unheard', 'of'],
  ]);
  const layer = await layerOf(tar);
  await pass(coming, layer, tar);
  const files = [...(await coming.files([layer]))!];
  assert.equal(
    files.map(([path, { isAsCame }]) => [path, isAsCame]),
    [
      ['same', true],
      ['other', false],
      ['longer', false],
      ['absent', false],
      ['unheard', false],
    ],
  );
});

layers('are not known when one of them did not come this way, or is said to be compressed otherwise', async () => {
  const coming = new ComingLayers();
  const tar = tarOf([['a', 'one']]);
  const [seen, other] = [await layerOf(tar), await layerOf(tarOf([]))];
  await pass(coming, seen, tar);
  assert.is(await coming.files([seen, other]), null);
  assert.is(await coming.files([{ ...seen, compression: 'gzip' }]), null);
  assert.equal(lengths(await coming.files([])), []);
});

const HALF_BYTES = MAX_FILES_BYTES / 2 + 512;
const HALF = zstdCompressSync(Buffer.concat([tarEntry('a', '0', HALF_BYTES), new Uint8Array(HALF_BYTES + 1024)]));
for (const [what, bytes, compression, times, sentence] of [
  ['has a whiteout', tarOf([['a/.wh.b', '']]), 'none', 1, 'without whiteouts'],
  ['ends within a file', TAR.subarray(0, 5000), 'none', 1, 'a whole tar of files, got its beginning'],
  ['is not compressed as it is said', TAR, 'zstd', 1, 'cannot be unpacked'],
  ['has more than fits, with the others', HALF, 'zstd', 2, `at most ${MAX_FILES_BYTES} bytes in all layers`],
] as const) {
  layers(`pass although one ${what}: that is told to who asks for its files`, async () => {
    const coming = new ComingLayers();
    const layer = await layerOf(bytes, compression);
    assert.is((await pass(coming, layer, bytes)).length, bytes.length);
    const error = await coming.files(new Array(times).fill(layer)).catch((thrown: unknown) => thrown);
    assert.instance(error, CloudletError);
    assert.is((error as CloudletError).code, 'package-invalid');
    assert.ok((error as Error).message.includes(sentence), (error as Error).message);
  });
}

layers('are expanded within one limit, however many they are', async () => {
  const coming = new ComingLayers();
  const other = zstdCompressSync(Buffer.concat([tarEntry('b', '0', HALF_BYTES), new Uint8Array(HALF_BYTES + 1024)]));
  for (const bytes of [HALF, other]) await pass(coming, await layerOf(bytes, 'zstd'), bytes);
  assert.equal(lengths(await coming.files([await layerOf(HALF, 'zstd')])), [['a', HALF_BYTES]]);
  const error = await coming.files([await layerOf(other, 'zstd')]).catch((thrown: unknown) => thrown);
  assert.match((error as Error).message, /files of more than \d+ bytes/);
});

layers('that break off break off for who stores them', async () => {
  const coming = new ComingLayers();
  async function* broken() {
    yield TAR.subarray(0, 2000);
    throw new Error('the link broke');
  }
  const layer = await layerOf(TAR);
  const error = await (async () => {
    for await (const _ of coming.through(layer, broken()));
  })().catch((thrown: unknown) => thrown);
  assert.is((error as Error).message, 'the link broke');
});

layers.run();
