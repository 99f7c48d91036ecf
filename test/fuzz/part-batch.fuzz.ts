import * as assert from 'uvu/assert';
import { batchHead, CloudletError, digestOfHex, MAX_PART_BYTES, readBatch } from '../../guest-sdk/protocol/index.ts';
import type { SeededRandom } from '../support/random.ts';

/** Whatever comes as a batch, its parts are whole, bounded and in their order, and what else there is, is refused by a code. */
export default async function partBatch(random: SeededRandom): Promise<void> {
  const parts = Array.from({ length: random.below(5) }, () => random.bytes(1 + random.below(300)));
  const digest = digestOfHex('12'.repeat(32));
  const whole = Buffer.concat(parts.flatMap((bytes) => [batchHead(digest, bytes.length), bytes]));
  const bytes = random.below(2) === 0 ? whole : Buffer.from(random.mutate(whole));
  let taken = 0;
  try {
    for await (const part of readBatch(pieces(bytes, random))) {
      assert.ok(part.bytes.length > 0 && part.bytes.length <= MAX_PART_BYTES);
      const at = taken + 36;
      assert.ok(Buffer.from(part.bytes).equals(bytes.subarray(at, at + part.bytes.length)));
      taken = at + part.bytes.length;
    }
    assert.is(taken, bytes.length);
  } catch (error) {
    if (!(error instanceof CloudletError)) throw error;
    assert.ok(['request-invalid', 'body-truncated'].includes(error.code), error.code);
  }
}

async function* pieces(bytes: Uint8Array, random: SeededRandom): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + random.below(80);
    yield bytes.subarray(at, at + length);
    at += length;
  }
}
