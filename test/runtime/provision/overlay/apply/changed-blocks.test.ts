import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { blockDigests } from '../../../../../runtime/machine/index.ts';
import { DIGEST_BLOCK_BYTES } from '../../../../../runtime/machine/snapshot/sparse-digest.ts';
import { ChangedBlocks } from '../../../../../runtime/provision/overlay/apply/changed-blocks.ts';

const BLOCK_BYTES = 16 * 1024;

const blocks = suite<{ folder: string; path: string; file: number }>('blocks that changed');
blocks.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'cloudlet-blocks-'));
  context.path = join(context.folder, 'memory');
  writeFileSync(context.path, Buffer.alloc(2.5 * BLOCK_BYTES, 1));
  context.file = openSync(context.path, 'r+');
});
blocks.after.each(({ folder, file }) => {
  closeSync(file);
  rmSync(folder, { recursive: true });
});

/** How many are digested before there is nothing to do. */
function steps(changed: ChangedBlocks): number {
  for (let count = 0; ; count += 1) if (!changed.step()) return count;
}

blocks('are digested one by one, but for the last, which is written to again', async ({ path, file }) => {
  const changed = new ChangedBlocks(file, BLOCK_BYTES);
  assert.is(steps(changed), 0);
  changed.changed([0, 1]);
  assert.is(steps(changed), 1);
  writeSync(file, Buffer.from('more'), 0, 4, BLOCK_BYTES);
  changed.changed([1, 2]);
  assert.is(steps(changed), 1);
  const found = changed.finish().sort(([a], [b]) => a - b);
  const all = await blockDigests(path, undefined, { blockBytes: BLOCK_BYTES });
  assert.equal(
    found,
    all.blocks.map((digest, block) => [block, digest]),
    'the last one is shorter',
  );
});

blocks('that are written again are digested again, also of zeros', async ({ path, file }) => {
  const changed = new ChangedBlocks(file, BLOCK_BYTES);
  changed.changed([0, 2]);
  steps(changed);
  writeSync(file, Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, 0);
  changed.changed([0]);
  const found = new Map(changed.finish());
  assert.is(found.get(0), null);
  assert.equal(found.get(2), (await blockDigests(path, undefined, { blockBytes: BLOCK_BYTES })).blocks[2]);
  assert.not.ok(found.has(1), 'nobody wrote to it');
});

blocks('in a row are read together, as many as are read at once', async ({ path, file }) => {
  const each = DIGEST_BLOCK_BYTES / BLOCK_BYTES;
  writeFileSync(path, Buffer.alloc(2 * DIGEST_BLOCK_BYTES + 100, 2));
  const changed = new ChangedBlocks(file, BLOCK_BYTES);
  changed.changed(Array.from({ length: 2 * each }, (_, block) => block));
  assert.is(steps(changed), 2);
  changed.changed([2 * each]);
  const found = changed.finish();
  assert.equal(
    found.sort(([a], [b]) => a - b),
    (await blockDigests(path, undefined, { blockBytes: BLOCK_BYTES })).blocks.map((digest, block) => [block, digest]),
  );
});

blocks.run();
