import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compressLayer } from '../../../../guest-sdk/build/compress-layer.ts';
import type { FilesLayer } from '../../../../guest-sdk/protocol/index.ts';
import { CloudletError, parseGrant, tarPieces } from '../../../../guest-sdk/protocol/index.ts';
import { MAX_FILES_BYTES } from '../../../../runtime/provision/package/layer-entries.ts';
import { grantedDirectories, readPackageFiles } from '../../../../runtime/provision/package/package-files.ts';
import { BlobStore } from '../../../../runtime/store/index.ts';
import { bodyOf } from '../../../support/cloudlet-lab.ts';
import { tarEntry, tarOf } from '../../../support/package-lab.ts';
import { SeededRandom } from '../../../support/random.ts';

const files = suite('the files of a package');

let directory: string;
let blobs: BlobStore;
files.before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cloudlet-files-'));
  blobs = await BlobStore.open(directory);
});
files.after(() => rm(directory, { recursive: true }));

async function layer(bytes: Uint8Array, compression: FilesLayer['compression'] = 'none'): Promise<FilesLayer> {
  const { digest, sizeBytes } = await blobs.write(bodyOf(bytes), { limitBytes: 2 ** 30 });
  return { digest, sizeBytes, compression };
}

const texts = (read: ReadonlyMap<string, Uint8Array>) =>
  [...read].map(([path, bytes]) => [path, Buffer.from(bytes).toString()]);

files('come out of plain and compressed layers, the later before the earlier', async () => {
  const layers = [
    await layer(
      tarOf([
        ['a', '1'],
        ['b/c', '1'],
      ]),
    ),
    await layer(gzipSync(tarOf([['a', '2']])), 'gzip'),
    await layer(zstdCompressSync(tarOf([['d', '3']])), 'zstd'),
  ];
  assert.equal(texts(await readPackageFiles(blobs, layers)), [
    ['a', '2'],
    ['b/c', '1'],
    ['d', '3'],
  ]);
  assert.equal(texts(await readPackageFiles(blobs, [])), []);
});

for (const [name, sizes] of [
  ['ends a frame behind a file that fills no block', [700_000]],
  ['has files that are frames of their own', [600_000, 1, 2_541_150, 512, 5_000_001]],
] as const) {
  files(`a layer that ${name} is whole`, async () => {
    const random = new SeededRandom(6);
    const noise = Buffer.from(random.bytes(65_536));
    const content = sizes.map((size) => [`f/${size}`, Buffer.alloc(size, noise)] as const);
    const read = await readPackageFiles(blobs, [await layer((await compressLayer(tarPieces(content))).bytes, 'zstd')]);
    assert.equal(
      [...read].map(([path, bytes]) => [path, Buffer.compare(bytes, content.find(([each]) => each === path)![1])]),
      content.map(([path]) => [path, 0]),
    );
  });
}

const zeroes = (mib: number) => Buffer.alloc(mib * 1024 * 1024);
const bomb = Buffer.concat([tarEntry('a', '0', 0), zeroes(80)]);
for (const [name, make, sentence] of [
  ['is no gzip', () => layer(Buffer.from('not compressed at all'), 'gzip'), 'cannot be unpacked'],
  ['is cut', () => layer(gzipSync(tarOf([['a', '1']])).subarray(0, 30), 'gzip'), 'cannot be unpacked'],
  ['is a tar that is cut', () => layer(zstdCompressSync(tarOf([['a', '1']]).subarray(0, 700)), 'zstd'), 'a whole tar'],
  ['is a cut zstd', () => layer(zstdCompressSync(tarOf([['a', '1']])).subarray(0, 30), 'zstd'), 'the beginning of one'],
  ['is no zstd', () => layer(Buffer.from('not compressed at all'), 'zstd'), 'cannot be unpacked'],
  ['unpacks to far more than it is, in gzip', () => layer(gzipSync(bomb), 'gzip'), 'bytes unpacked, got more'],
  ['unpacks to far more than it is, in zstd', () => layer(zstdCompressSync(bomb), 'zstd'), 'bytes unpacked, got more'],
  [
    'has too much',
    () => layer(gzipSync(Buffer.concat([tarEntry('a', '0', MAX_FILES_BYTES + 1), zeroes(33)])), 'gzip'),
    `more than ${MAX_FILES_BYTES} bytes`,
  ],
  ['has a whiteout', () => layer(tarOf([['a/.wh.b', '']])), 'files without whiteouts'],
  ['has a link', () => layer(Buffer.concat([tarEntry('a', '2'), Buffer.alloc(1024)])), 'a symbolic link'],
] as const) {
  files(`a layer that ${name} is refused`, async () => {
    const error = await readPackageFiles(blobs, [await make()]).catch((thrown: unknown) => thrown);
    assert.instance(error, CloudletError);
    assert.is((error as CloudletError).code, 'package-invalid', (error as Error).message);
    assert.ok((error as Error).message.includes(sentence), (error as Error).message);
  });
}

const PRESENT = new Map([
  ['assets/a.txt', Buffer.from('a')],
  ['assets/deep/b.txt', Buffer.from('bb')],
  ['one.txt', Buffer.from('one')],
]);

files('are put where the grant says', () => {
  const grant = parseGrant({
    files: [
      { path: '/data', from: 'assets' },
      { path: '/data/more/1.txt', from: 'one.txt' },
      { path: 'here.txt', from: 'one.txt' },
    ],
    scratch: [
      { path: '/tmp', bytes: 100 },
      { path: 'work', bytes: 3, from: 'assets' },
    ],
  });
  const found = grantedDirectories(grant, PRESENT).map(({ path, at, writable, files: inside }) => [
    ...[path, at.join('/'), writable],
    inside.map(({ names, bytes }) => `${names.join('/')}=${Buffer.from(bytes).toString()}`),
  ]);
  assert.equal(found, [
    ['/tmp', 'tmp', true, []],
    ['work', 'work', true, ['a.txt=a', 'deep/b.txt=bb']],
    ['/data', 'data', false, ['a.txt=a', 'deep/b.txt=bb']],
    ['/data/more', 'data/more', false, ['1.txt=one']],
    ['.', '', false, ['here.txt=one']],
  ]);
});

for (const [name, asked, sentence] of [
  [
    'files that are not there',
    { files: [{ path: '/d', from: 'asset' }] },
    'files /d: expected files in the package at "asset", found none',
  ],
  ['scratch from what is not there', { scratch: [{ path: '/d', bytes: 1, from: 'b' }] }, 'scratch /d: expected files'],
  [
    'more than fits into scratch',
    { scratch: [{ path: '/d', bytes: 2, from: 'assets' }] },
    'at most 2 bytes for scratch /d at the start, got 3',
  ],
  ['a file as the root', { files: [{ path: '/', from: 'one.txt' }] }, 'a path with a name for the file one.txt'],
] as const) {
  files(`a grant of ${name} is refused`, () => {
    assert.throws(
      () => grantedDirectories(parseGrant(asked), PRESENT),
      (error: CloudletError) => error.code === 'grant-invalid' && error.message.includes(sentence),
    );
  });
}

files.run();
