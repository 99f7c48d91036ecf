import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { kernelRandom } from '../../../runtime/agent/kernel-random.ts';
import { SeededRandom } from '../../support/random.ts';

const random = suite("random bytes of the kernel's");

/** As long as a piece must be not to come twice by chance. */
const PIECE_BYTES = 16;

random('never come twice, in requests of any length, of one invocation or of two', () => {
  const lengths = new SeededRandom(7);
  const pieces = new Set<string>();
  let made = 0;
  for (const fill of [kernelRandom(), kernelRandom()]) {
    for (let request = 0; request < 200; request += 1) {
      const bytes = new Uint8Array(PIECE_BYTES * (1 + lengths.below(request % 10 === 0 ? 600 : 12)));
      fill(bytes);
      for (let at = 0; at < bytes.length; at += PIECE_BYTES, made += 1)
        pieces.add(Buffer.from(bytes.subarray(at, at + PIECE_BYTES)).toString('hex'));
    }
  }
  assert.is(pieces.size, made);
});

random('fill what they are asked to, and nothing beside it', () => {
  const fill = kernelRandom();
  for (let request = 0; request < 100; request += 1) {
    const around = new Uint8Array(64 + 32);
    fill(around.subarray(16, 16 + 64));
    assert.equal([...around.subarray(0, 16), ...around.subarray(80)], new Array(32).fill(0));
    // Four zeros in a row, at one place of sixteen in a hundred requests: once in three million runs.
    for (let at = 16; at < 80; at += 4) assert.is.not(new DataView(around.buffer).getUint32(at), 0);
  }
});

random.run();
