import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Digest, encodeTarHeader, joinPieces, tarPieces } from '../../../../guest-sdk/protocol/index.ts';
import { unpackPages } from '../../../../runtime/catalogue/web/web-archive.ts';
import { BlobStore } from '../../../../runtime/store/index.ts';
import { digestOf, utf8 } from '../../../support/catalogue-lab.ts';
import { SeededRandom } from '../../../support/random.ts';
import { refused } from '../../../support/refusal.ts';
import { type ZippedFile, zip } from '../../../support/zip.ts';

interface World {
  folder: string;
  blobs: BlobStore;
}

const archives = suite<World>('the archive of a web application');

archives.before.each(async (world) => {
  world.folder = await mkdtemp(join(tmpdir(), 'cloudlet-web-'));
  world.blobs = await BlobStore.open(world.folder);
});
archives.after.each(({ folder }) => rm(folder, { recursive: true, force: true }));

const LIMITS = { files: 10, bytes: 100_000 };
const HTML = utf8('<h1>hello</h1>');
const INDEX = { name: 'index.html', bytes: HTML };

async function store({ blobs }: World, bytes: Uint8Array): Promise<Digest> {
  const { digest } = await blobs.write([bytes] as unknown as AsyncIterable<Uint8Array>, { limitBytes: 1e9 });
  return digest;
}

const tar = (...files: (readonly [string, Uint8Array])[]): Uint8Array => joinPieces(tarPieces(files));
const FILES = [
  ['index.html', HTML],
  ['js/app.js', utf8('1')],
  ['empty', utf8('')],
] as const;

const twoFrames = (bytes: Uint8Array): Uint8Array =>
  Buffer.concat([bytes.subarray(0, 700), bytes.subarray(700)].map((part) => zstdCompressSync(part)));

for (const [what, archive] of [
  ['a tar', tar(...FILES)],
  ['a tar in gzip', gzipSync(tar(...FILES))],
  ['a tar in zstd', zstdCompressSync(tar(...FILES))],
  ['a tar in zstd of two frames', twoFrames(tar(...FILES))],
  ['a zip', zip(FILES.map(([name, bytes]) => ({ name, bytes })))],
  [
    'a zip of stored files, with a folder and a comment',
    zip(
      [
        { name: 'js/', bytes: utf8(''), mode: 0o040755 },
        ...FILES.map(([name, bytes]) => ({ name, bytes, stored: true })),
      ],
      { comment: 'PK\x05\x06 a comment' },
    ),
  ],
] as const) {
  archives(`${what} becomes blobs`, async (world) => {
    const { pages, release } = await unpackPages(world.blobs, await store(world, archive), LIMITS);
    assert.equal(
      [...pages].sort(),
      FILES.map(([name, bytes]) => [name, { digest: digestOf(bytes), bytes: bytes.length }]).sort(),
    );
    assert.equal(await world.blobs.read(digestOf(HTML)), HTML);
    release();
  });
}

const ZEROES = new Uint8Array(200_000);
const link = (() => {
  const header = encodeTarHeader({ name: 'index.html', type: '0', size: 0 });
  header[156] = '2'.charCodeAt(0);
  let sum = 0;
  for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 0x20 : byte;
  header.set(utf8(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  return header;
})();
const zipped = (...more: ZippedFile[]) => zip([INDEX, ...more]);

for (const [attack, archive, sentence] of [
  ['a tar that leaves', tar(['index.html', HTML], ['../../evil', HTML]), /"\.\."/],
  ['a tar with an absolute path', tar(['index.html', HTML], ['/etc/passwd', HTML]), /absolute/],
  ['a tar with a link', joinPieces([link, new Uint8Array(1024)]), /symbolic link/],
  ['a tar with a path twice', tar(['index.html', HTML], ['index.html', HTML]), /twice/],
  ['a tar bomb', gzipSync(tar(['index.html', HTML], ['zeroes', ZEROES])), /100000 bytes|140960 bytes unpacked/],
  ['a gzip of zeroes that is no tar', gzipSync(new Uint8Array(10_000_000)), /index\.html|unpacked|got/],
  ['a gzip that is cut', gzipSync(tar(...FILES)).subarray(0, 60), /cannot be unpacked|got the end/],
  ['a zstd that is cut', zstdCompressSync(tar(...FILES)).subarray(0, 60), /cannot be unpacked/],
  ['a zstd with something behind it', Buffer.concat([zstdCompressSync(tar(...FILES)), utf8('more')]), /frame of zstd/],
  [
    'more files than may be',
    tar(['index.html', HTML], ...Array.from({ length: 10 }, (_, i) => [`f${i}`, HTML] as const)),
    /10 files/,
  ],
  ['no index.html', tar(['page.html', HTML]), /index\.html/],
  ['an empty zip', zip([]), /index\.html/],
  ['a zip that leaves', zipped({ name: '../evil', bytes: HTML }), /"\.\."/],
  ['a zip that leaves for Windows', zipped({ name: '..\\evil', bytes: HTML }), /backslash/],
  ['a zip with an absolute path', zipped({ name: '/evil', bytes: HTML }), /absolute/],
  ['a zip with a NUL in a name', zipped({ name: 'a\0b', bytes: HTML }), /control/],
  ['a zip with a link', zipped({ name: 'link', bytes: utf8('/etc/passwd'), mode: 0o120777 }), /link or device/],
  ['a zip with a path twice', zipped(INDEX), /twice/],
  ['a zip with a password', zipped({ name: 'x', bytes: HTML, flags: 1 }), /password/],
  ['a zip of a rare method', zipped({ name: 'x', bytes: HTML, method: 12 }), /method 12/],
  ['a zip bomb', zipped({ name: 'zeroes', bytes: ZEROES }), /100000 bytes/],
  ['a zip bomb that lies', zipped({ name: 'zeroes', bytes: ZEROES, size: 10 }), /10 bytes .* got more/],
  [
    'a zip bomb of one deflated file many times',
    zip([
      { ...INDEX },
      ...Array.from({ length: 5 }, (_, i) => ({ name: `f${i}`, bytes: utf8('x'.repeat(19_000)), offset: 0 })),
    ]),
    /over each other/,
  ],
  ['a zip that promises more', zipped({ name: 'x', bytes: HTML, size: 500 }), /500 bytes/],
  ['a zip whose bytes are others', zipped({ name: 'x', bytes: HTML, checksum: 1 }), /checksum/],
  ['a zip with more entries than it has', zip([INDEX], { entries: 9 }), /9 entries/],
  ['a zip of a great many entries', zip([INDEX], { entries: 60_000 }), /at most 20 entries/],
  ['a zip that is cut', zip([INDEX]).subarray(0, 70), /the record at its end/],
] as const) {
  archives(`is refused, and leaves nothing: ${attack}`, async (world) => {
    const digest = await store(world, archive);
    await refused(() => unpackPages(world.blobs, digest, LIMITS), 'package-invalid', sentence);
    const held = await world.blobs.gc(() => false);
    assert.equal(await world.blobs.list(), held.includes(digest) ? [] : [digest]);
  });
}

archives('damaged anywhere is refused or what it was, never a failure of ours', async (world) => {
  const random = new SeededRandom(20_261_126);
  const good = zip(FILES.map(([name, bytes]) => ({ name, bytes })));
  for (let round = 0; round < 150; round += 1) {
    const bytes = new Uint8Array(good);
    for (let i = 0; i <= random.below(3); i += 1) bytes[4 + random.below(bytes.length - 4)] = random.below(256);
    const digest = await store(world, bytes);
    try {
      (await unpackPages(world.blobs, digest, LIMITS)).release();
    } catch (error) {
      assert.is(
        (error as { code?: string }).code,
        'package-invalid',
        `seed ${random.seed}, round ${round}: ${String(error)}`,
      );
    }
  }
});

archives.run();
