import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
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
