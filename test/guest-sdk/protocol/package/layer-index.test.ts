import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compressLayer } from '../../../../guest-sdk/build/compress-layer.ts';
import {
  digestOf,
  formatLayerIndex,
  joinPieces,
  parseLayerIndex,
  tarPieces,
} from '../../../../guest-sdk/protocol/index.ts';

const indexes = suite('the index of a layer');
const bytes = (text: string) => new TextEncoder().encode(text);

const FILES = [
  ['assets/a.txt', bytes('first')],
  [`deep/${'d'.repeat(150)}/${'n'.repeat(120)}.txt`, bytes('long')],
  ['assets/empty', bytes('')],
  ['assets/z.bin', new Uint8Array(600_000).fill(7)],
] as const;

indexes('says where each file begins in the tar, how long it is, and its digest', async () => {
  const tar = joinPieces(tarPieces(FILES));
  const packed = await compressLayer(tarPieces(FILES));
  const { frames } = packed;
  const index = parseLayerIndex((await formatLayerIndex(FILES, packed))!)!;
  assert.is(
    frames.reduce((sum, [, expanded]) => sum + expanded, 0),
    tar.length,
  );
  for (const [at, [path, content]] of FILES.entries()) {
    const file = index.files[at]!;
    assert.is(file.path, path);
    assert.equal(tar.slice(file.at, file.at + file.bytes), content);
    assert.is(file.digest, await digestOf(content));
  }
});

indexes('says what each piece expands to, and its digest, and cuts a long file into pieces', async () => {
  const packed = await compressLayer(tarPieces(FILES));
  const index = parseLayerIndex((await formatLayerIndex(FILES, packed))!)!;
  assert.ok(index.frames.length >= 3, `${index.frames.length} pieces`);
  let from = 0;
  for (const [at, { bytes: length, expandedBytes, digest }] of index.frames.entries()) {
    assert.equal([length, expandedBytes], packed.frames[at]);
    assert.is(digest, await digestOf(packed.bytes.subarray(from, from + length)));
    from += length;
  }
});

indexes('without digests of its pieces, as it was written before, is one', () => {
  const index = parseLayerIndex(JSON.stringify({ frames: [[3, 5]], files: [['a', 512, 1, HEX]] }))!;
  assert.equal(index.frames, [{ bytes: 3, expandedBytes: 5, digest: null }]);
});

const HEX = '0'.repeat(64);
for (const [what, text] of [
  ['none', undefined],
  ['no JSON', '{'],
  ['another shape', '[]'],
  ['a path that leaves', JSON.stringify({ frames: [], files: [['../a', 512, 1, HEX]] })],
  ['a path twice', JSON.stringify({ frames: [], files: ['a', 'a'].map((path) => [path, 512, 1, HEX]) })],
  ['a negative place', JSON.stringify({ frames: [], files: [['a', -1, 1, HEX]] })],
  ['a piece that expands to gigabytes', JSON.stringify({ frames: [[100, 2 ** 31]], files: [] })],
  ['a digest that is none', JSON.stringify({ frames: [[3, 5, 'x']], files: [] })],
  ['one that is too long', JSON.stringify({ frames: [], files: [], x: 'x'.repeat(70_000) })],
] as const)
  indexes(`${what} is no index, and its layer is read as a whole`, () => {
    assert.is(parseLayerIndex(text), null);
  });

indexes('of very many files is left out', async () => {
  const many = Array.from({ length: 1000 }, (_, at) => [`f/${at}`, bytes('')] as const);
  assert.is(await formatLayerIndex(many, { bytes: bytes(''), frames: [] }), null);
});

indexes.run();
