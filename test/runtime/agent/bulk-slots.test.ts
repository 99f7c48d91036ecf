import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  BULK_BYTES,
  type BulkSender,
  BulkSlots,
  bulkPart,
  decodeBulk,
  encodeBulk,
  encodeFreed,
  SLOT_BYTES,
  SLOTS,
} from '../../../runtime/agent/bulk-slots.ts';
import { CHUNK_BYTES, WINDOW_BYTES, WireError } from '../../../runtime/agent/wire.ts';
import { bulkDiskBytes } from '../../../runtime/machine/start-machine.ts';
import { SeededRandom } from '../../support/random.ts';

const slots = suite('the slots of the disk for large bodies');

const isWireError = (error: unknown) => error instanceof WireError;

slots('fit the disk that a machine has, the longest body frame, and what may be under way', () => {
  assert.is(bulkDiskBytes(3), bulkPart(1 + 3));
  assert.ok(CHUNK_BYTES <= SLOT_BYTES);
  assert.ok(WINDOW_BYTES <= SLOTS * SLOT_BYTES);
});

slots('are written as they always were', () => {
  assert.is(Buffer.from(encodeBulk(9, 0x012345)).toString('hex'), '0900000045230100');
  assert.is(Buffer.from(encodeFreed(9)).toString('hex'), '09000000');
});

for (const [sender, first] of [
  ['host', 0],
  ['agent', SLOTS],
] as const) {
  slots(`of the ${sender} are taken once, and again when they were freed`, () => {
    const own = new BulkSlots(sender);
    const taken = Array.from({ length: SLOTS }, () => own.take());
    assert.equal(
      [...taken].sort((a, b) => a! - b!),
      Array.from({ length: SLOTS }, (_, at) => first + at),
    );
    assert.is(own.take(), null);
    own.free(encodeFreed(first + 3));
    assert.is(own.take(), first + 3);
    assert.is(own.take(), null);
  });

  for (const [what, payload] of [
    ['no slot that is taken', encodeFreed(first)],
    ['a slot of the other side', encodeFreed(first === 0 ? SLOTS : 0)],
    ['a slot beyond all', encodeFreed(2 * SLOTS)],
    ['too few bytes', new Uint8Array(3)],
    ['too many bytes', new Uint8Array(8)],
  ] as const) {
    slots(`of the ${sender} are not freed by ${what}`, () => {
      assert.throws(() => new BulkSlots(sender).free(payload), isWireError);
    });
  }
}

for (const [what, payload, sender] of [
  ['a slot of the other side', encodeBulk(SLOTS, 1), 'host'],
  ['a slot of the other side, the other way', encodeBulk(0, 1), 'agent'],
  ['a slot beyond all', encodeBulk(2 * SLOTS, 1), 'agent'],
  ['no bytes', encodeBulk(0, 0), 'host'],
  ['more bytes than a slot has', encodeBulk(0, SLOT_BYTES + 1), 'host'],
  ['the largest numbers', encodeBulk(0xffff_ffff, 0xffff_ffff), 'agent'],
  ['a short payload', new Uint8Array(7), 'host'],
] as const) {
  slots(`are not read from ${what}`, () => {
    assert.throws(() => decodeBulk(payload, sender), isWireError);
  });
}

slots('of random frames are read within the disk, or refused', () => {
  const random = new SeededRandom(20261125);
  for (let round = 0; round < 5000; round += 1) {
    const sender: BulkSender = round % 2 === 0 ? 'host' : 'agent';
    const payload = encodeBulk(random.below(4 * SLOTS), random.below(2 * SLOT_BYTES));
    try {
      const { slot, bytes } = decodeBulk(payload, sender);
      assert.ok(slot * SLOT_BYTES + bytes <= BULK_BYTES && bytes > 0);
    } catch (error) {
      assert.ok(isWireError(error));
    }
  }
});

slots.run();
