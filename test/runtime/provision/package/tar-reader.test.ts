import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { ByteFeed } from '../../../../runtime/provision/package/byte-feed.ts';
import { readTar } from '../../../../runtime/provision/package/tar-reader.ts';
import { bodyOf } from '../../../support/cloudlet-lab.ts';
import { filled, tarEntry, tarOf } from '../../../support/package-lab.ts';

const tars = suite('reading a tar');
const LIMITS = { what: 'the package', entries: 10, bytes: 10_000 };
const END = Buffer.alloc(1024);

async function read(tar: Uint8Array, chunkBytes = 100): Promise<[string, string][]> {
  const feed = new ByteFeed(bodyOf(tar, chunkBytes));
  const found: [string, string][] = [];
  for await (const { path, bytes } of readTar(feed, LIMITS)) {
    const parts: Uint8Array[] = [];
    // What is not read is skipped.
    if (!path.startsWith('skip')) for await (const part of bytes) parts.push(Uint8Array.from(part));
    found.push([path, Buffer.concat(parts).toString()]);
  }
  return found;
}

const LONG = `${'d'.repeat(150)}/${'n'.repeat(120)}`;
const PAX = Buffer.concat([
  tarEntry('p', 'x', 19),
  filled('19 path=from-a-pax\n'),
  tarEntry('short', '0', 3),
  filled('pax'),
  END,
]);
const GNU = Buffer.concat([
  tarEntry('././@LongLink', 'L', 10),
  filled('from-gnu!\0'),
  tarEntry('short', '0', 3),
  filled('gnu'),
  END,
]);
const GLOBAL = Buffer.concat([
  tarEntry('g', 'g', 19),
  filled('19 path=from-a-pax\n'),
  tarEntry('own', '0', 1),
  filled('g'),
  END,
]);

for (const [name, tar, found] of [
  ['of nothing', END, []],
  [
    'of files',
    tarOf([
      ['a', 'one'],
      ['b/c', 'two'],
      ['skip', 'x'.repeat(600)],
      ['d', ''],
    ]),
    [
      ['a', 'one'],
      ['b/c', 'two'],
      ['skip', ''],
      ['d', ''],
    ],
  ],
  [
    'with directories and "./"',
    Buffer.concat([tarEntry('./', '5'), tarEntry('./a/', '5'), tarEntry('./a/b', '0', 1), filled('x'), END]),
    [['a/b', 'x']],
  ],
  ['with a long name', tarOf([[LONG, 'long']]), [[LONG, 'long']]],
  ['with pax records', PAX, [['from-a-pax', 'pax']]],
  ["with GNU's long names", GNU, [['from-gnu!', 'gnu']]],
  ['with global records', GLOBAL, [['own', 'g']]],
  ['with a whole record at its end', Buffer.concat([tarOf([['a', '1']]), Buffer.alloc(9000)]), [['a', '1']]],
] as const) {
  tars(`${name} gives its files`, async () => {
    for (const chunkBytes of [1, 100, 100_000]) assert.equal(await read(tar, chunkBytes), found);
  });
}

const file = (path: string) => Buffer.concat([tarEntry(path, '0', 0), END]);
const broken = Buffer.from(tarOf([['a', '1']]));
broken[0] = 0x62;
const binarySize = Buffer.from(tarEntry('a', '0'));
binarySize[124] = 0x80;

for (const [name, tar, sentence] of [
  ['a path above it', file('../a'), '".." in a path: "../a"'],
  ['a path above it, half-way', file('a/../../b'), '".." in a path'],
  ['an absolute path', file('/etc/passwd'), 'an absolute path: "/etc/passwd"'],
  [
    'an absolute path in a pax record',
    Buffer.concat([tarEntry('p', 'x', 14), filled('14 path=/etc/\n'), file('a')]),
    'an absolute path',
  ],
  ['a path with an empty name', file('a//b'), 'an empty name'],
  ['a path that is a directory of a file', file('a/'), 'an empty name'],
  ['nothing as a path', file(''), 'nothing'],
  ['a path twice', Buffer.concat([tarEntry('a', '0'), tarEntry('./a', '0'), END]), 'a path twice: "a"'],
  ['a symbolic link', Buffer.concat([tarEntry('a', '2'), END]), 'a symbolic link, where only files'],
  ['a hard link', Buffer.concat([tarEntry('a', '1'), END]), 'a hard link'],
  ['a device', Buffer.concat([tarEntry('a', '3'), END]), 'a device'],
  ['a pipe', Buffer.concat([tarEntry('a', '6'), END]), 'a pipe'],
  ['a sparse file of GNU', Buffer.concat([tarEntry('a', 'S'), END]), 'a sparse file'],
  [
    'a sparse file by pax',
    Buffer.concat([tarEntry('p', 'x', 22), filled('22 GNU.sparse.major=1\n'), file('a')]),
    'a pax record "GNU.sparse.major"',
  ],
  [
    'a size by pax',
    Buffer.concat([tarEntry('p', 'x', 13), filled('13 size=9999\n'), file('a')]),
    'a pax record "size"',
  ],
  ['an unknown type', Buffer.concat([tarEntry('a', 'Z'), END]), 'an entry of type "Z"'],
  ['a directory with content', Buffer.concat([tarEntry('a', '5', 3), filled('abc'), END]), 'a directory with 3 bytes'],
  ['more than the limit', Buffer.concat([tarEntry('a', '0', 10_001), END]), 'files of more than 10000 bytes'],
  [
    'more than the limit together',
    tarOf([
      ['a', 'x'.repeat(6000)],
      ['b', 'x'.repeat(6000)],
    ]),
    'files of more than 10000 bytes',
  ],
  [
    'too many entries',
    Buffer.concat([...Array.from({ length: 11 }, (_, n) => tarEntry(`d${n}`, '5')), END]),
    'more than 10 entries',
  ],
  ['a huge record', Buffer.concat([tarEntry('p', 'x', 100_000), END]), 'a header of 100000 bytes'],
  ['a damaged header', broken, 'a header whose checksum does not match'],
  ['a size in binary', Buffer.concat([binarySize, END]), 'checksum'],
  ['records without an end', Buffer.concat([tarEntry('p', 'x', 3), filled('abc'), END]), 'a pax record'],
] as const) {
  tars(`with ${name} is refused`, async () => {
    const error = await read(tar).catch((thrown: unknown) => thrown);
    assert.instance(error, CloudletError);
    assert.is((error as CloudletError).code, 'package-invalid');
    assert.ok((error as Error).message.includes(sentence), (error as Error).message);
  });
}

tars('that is cut anywhere is told from a whole one', async () => {
  const tar = tarOf([
    ['a', 'one'],
    ['b', 'x'.repeat(700)],
  ]);
  for (let length = 0; length < tar.length - 512; length += 100) {
    const error = await read(tar.subarray(0, length)).catch((thrown: unknown) => thrown);
    assert.is((error as CloudletError).code, 'body-truncated', `${length}`);
  }
});

tars.run();
