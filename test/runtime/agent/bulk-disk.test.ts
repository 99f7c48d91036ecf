import { constants, openSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BulkDisk } from '../../../runtime/agent/bulk-disk.ts';
import { BULK_BYTES, bulkPart, encodeBulk, SLOT_BYTES } from '../../../runtime/agent/bulk-slots.ts';

const disk = suite('the second disk of a machine');

disk('gives what came in as bytes of its own: those of the next slot do not show in them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudlet-test-bulk-'));
  const file = join(folder, 'disk');
  const handle = await open(file, 'w');
  try {
    // Not a hole, of which unaligned memory would do.
    await handle.write(new Uint8Array(2 * BULK_BYTES), 0);
    for (const [slot, value] of [7, 9].entries())
      await handle.write(new Uint8Array(SLOT_BYTES).fill(value), 0, SLOT_BYTES, bulkPart(1) + slot * SLOT_BYTES);
    const bulk = BulkDisk.open(file, 1);
    if (bulk === null) {
      // A file system without unbuffered access.
      assert.throws(() => openSync(file, constants.O_RDWR | constants.O_DIRECT));
      return;
    }
    const first = bulk.fetch(encodeBulk(0, SLOT_BYTES));
    const second = bulk.fetch(encodeBulk(1, 600));
    assert.equal([first.slot, first.bytes.length, second.slot, second.bytes.length], [0, SLOT_BYTES, 1, 600]);
    assert.ok(first.bytes.every((byte) => byte === 7));
    assert.ok(second.bytes.every((byte) => byte === 9));
  } finally {
    await handle.close();
    await rm(folder, { recursive: true });
  }
});

disk.run();
