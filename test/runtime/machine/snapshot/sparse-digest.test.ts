import { type SpawnOptions, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dataPlaces, placesOf } from '../../../../runtime/machine/snapshot/data-places.ts';
import { blockDigests, sparseDigest } from '../../../../runtime/machine/snapshot/sparse-digest.ts';

const MIB = 2 ** 20;
const BYTES = 3 * MIB + 5;

interface Context {
  directory: string;
}
const digest = suite<Context>('the digest of a sparse file');

digest.before.each(async (context) => {
  context.directory = await mkdtemp(join(tmpdir(), 'cloudlet-digest-'));
});
digest.after.each(({ directory }) => rm(directory, { recursive: true }));

/** A file of this length with these bytes at these places, and holes between them. */
async function sparse(path: string, length: number, parts: readonly (readonly [at: number, text: string])[] = []) {
  const file = await open(path, 'w');
  await file.truncate(length);
  for (const [at, text] of parts) await file.write(Buffer.from(text), 0, text.length, at);
  await file.close();
  return path;
}

digest('is the same for a hole and for zeros', async ({ directory }) => {
  const holes = await sparse(join(directory, 'holes'), BYTES, [[MIB, 'here']]);
  const zeros = join(directory, 'zeros');
  const bytes = Buffer.alloc(BYTES);
  bytes.write('here', MIB);
  await writeFile(zeros, bytes);
  assert.is(await sparseDigest(holes), await sparseDigest(zeros));
});

digest('skips holes of a large file, and nothing else', async ({ directory }) => {
  const [length, text] = [24 * MIB + 5, 'here'];
  const places = [0, 4 * MIB - 2, 9 * MIB + 300_000, 20 * MIB, 24 * MIB + 1];
  const path = await sparse(
    join(directory, 'holes'),
    length,
    places.map((at) => [at, text]),
  );
  const file = await open(path);
  const data = (await dataPlaces(file, length))!;
  await file.close();
  const isData = (at: number) => data.some(([begin, end]) => begin <= at && at < end);
  assert.ok(places.every((at) => isData(at) && isData(at + text.length - 1)));
  assert.ok(data.reduce((sum, [begin, end]) => sum + end - begin, 0) < MIB, 'holes are taken for data');
  const zeros = join(directory, 'zeros');
  const bytes = Buffer.alloc(length);
  for (const at of places) bytes.write(text, at);
  await writeFile(zeros, bytes);
  for (const blockBytes of [64 * 1024, 512 * 1024]) {
    const [own, other] = [
      await blockDigests(path, undefined, { blockBytes }),
      await blockDigests(zeros, undefined, { blockBytes }),
    ];
    assert.equal(own, other);
  }
});

digest('has no places of what is no file', async () => {
  const file = await open('/dev/null');
  assert.equal(await dataPlaces(file, 0), null);
  await file.close();
});

const RUNS = (command: string, ...args: string[]) =>
  ((_: string, __: readonly string[], options: SpawnOptions) => spawn(command, args, options)) as typeof spawn;

for (const [what, start] of [
  ['fails at once', () => assert.unreachable('ENOMEM')],
  ['is not there', RUNS('/none')],
  ['says nothing', RUNS('/bin/true')],
  ['fails after all was said', RUNS('/bin/sh', '-c', 'echo end 9; exit 1')],
  ['is ended', RUNS('/bin/sh', '-c', 'echo end 9; kill -9 $$')],
  [
    'gets no descriptors',
    () => {
      // As Node does then: no pipes, and the error at the next turn.
      const child = Object.assign(new EventEmitter(), { stdout: undefined });
      process.nextTick(() => child.emit('error', new Error('EMFILE')));
      return child;
    },
  ],
] as const) {
  digest(`knows no places where the program that says them ${what}`, async ({ directory }) => {
    const file = await open(await sparse(join(directory, 'file'), 9, [[0, 'x']]));
    assert.is(await dataPlaces(file, 9, start as unknown as typeof spawn), null);
    await file.close();
  });
}

for (const [text, expected] of [
  ['end 9\n', []],
  ['0\n9\nend 9\n', [[0, 9]]],
  [
    '0\n2\n4\n8\nend 9\n',
    [
      [0, 2],
      [4, 8],
    ],
  ],
  ['', null],
  ['0\n9\n', null],
  ['0\n9\nend 9', null],
  ['0\n9\nend 10\n', null],
  ['0\n9end 9\n', null],
  ['0\nend 9\n', null],
  ['9\nend 9\n', null],
  ['0\n2\n4\nend 9\n', null],
  ['0\n0\nend 9\n', null],
  ['4\n8\n0\n2\nend 9\n', null],
  ['0\n10\nend 9\n', null],
  ['-1\n2\nend 9\n', null],
  ['\n2\nend 9\n', null],
  ['0\nInfinity\nend 9\n', null],
  ['0\n2\nend 9\nend 9\n', null],
  ['failed data 4 5\nend 9\n', null],
] as const) {
  digest(`takes ${JSON.stringify(text)} ${expected === null ? 'for no whole report' : 'for a report'}`, () => {
    assert.equal(placesOf(text, 9), expected);
  });
}

for (const [what, length, parts] of [
  [
    'a byte in a hole',
    BYTES,
    [
      [MIB, 'here'],
      [2 * MIB + 7, 'x'],
    ],
  ],
  ['a byte of a block', BYTES, [[MIB, 'hers']]],
  [
    'a byte at the end',
    BYTES,
    [
      [MIB, 'here'],
      [BYTES - 1, 'x'],
    ],
  ],
  ['the place of a block', BYTES, [[2 * MIB, 'here']]],
  ['one zero more', BYTES + 1, [[MIB, 'here']]],
  ['one zero less', BYTES - 1, [[MIB, 'here']]],
  ['nothing left but zeros', BYTES, []],
] as const) {
  digest(`is another with ${what}`, async ({ directory }) => {
    const before = await sparse(join(directory, 'before'), BYTES, [[MIB, 'here']]);
    const after = await sparse(join(directory, 'after'), length, parts);
    assert.is.not(await sparseDigest(before), await sparseDigest(after));
  });
}

digest('tells files of zeros by their length', async ({ directory }) => {
  const path = await sparse(join(directory, 'zeros'), 0);
  const found = new Set<string>([await sparseDigest(path)]);
  for (const length of [1, MIB, 2 * MIB]) {
    await truncate(path, length);
    found.add(await sparseDigest(path));
  }
  assert.is(found.size, 4);
});

digest('is this text, which manifests hold', async ({ directory }) => {
  const path = await sparse(join(directory, 'file'), BYTES, [[MIB, 'here']]);
  assert.is(await sparseDigest(path), 'e348a054bf03ba710fd896480c78e241d5293b92a609921b4b6259c97a9b2242');
});

digest('is another by blocks of another length, which are the same whatever is read at once', async ({ directory }) => {
  const path = await sparse(join(directory, 'file'), BYTES, [
    [MIB, 'here'],
    [MIB + 20_000, 'there'],
  ]);
  const blockBytes = 16 * 1024;
  assert.is.not(await sparseDigest(path, undefined, { blockBytes }), await sparseDigest(path));
  const { blocks } = await blockDigests(path, undefined, { blockBytes });
  assert.is(blocks.length, Math.ceil(BYTES / blockBytes));
  assert.equal(
    [...blocks.entries()].flatMap(([at, block]) => (block === null ? [] : [at])),
    [64, 65],
  );
});

digest('of what was another file is that of the file, when what differs is named', async ({ directory }) => {
  const blockBytes = 16 * 1024;
  const before = await sparse(join(directory, 'before'), BYTES, [[MIB, 'here']]);
  const after = await sparse(join(directory, 'after'), BYTES, [
    [MIB, 'hers'],
    [BYTES - 2, 'x'],
  ]);
  const from = { before: await blockDigests(before, undefined, { blockBytes }), changed: new Set([64, 192]) };
  assert.is(
    await sparseDigest(after, undefined, { blockBytes, from }),
    await sparseDigest(after, undefined, { blockBytes }),
  );
  assert.is(await sparseDigest(after, undefined, { from }), await sparseDigest(after), 'by other blocks all is read');
});

digest('is given up when asked to, and is no digest of what is not there', async ({ directory }) => {
  const path = await sparse(join(directory, 'file'), BYTES);
  const failed = (digesting: Promise<string>) =>
    digesting.then(
      (made) => `made ${made}`,
      (error: Error) => error.message,
    );
  assert.is(await failed(sparseDigest(path, AbortSignal.abort(new Error('enough')))), 'enough');
  assert.match(await failed(sparseDigest(join(directory, 'none'))), 'ENOENT');
});

digest.run();
