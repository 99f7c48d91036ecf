import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sha256 } from '../../../../guest-sdk/protocol/index.ts';
import { SeededRandom } from '../../../support/random.ts';

const hashes = suite('SHA-256 in pieces');

for (const length of [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 1000, 100_003]) {
  hashes(`of ${length} bytes is what Node says, however they are cut`, () => {
    const random = new SeededRandom(length);
    const bytes = random.bytes(length);
    const hash = new Sha256();
    for (let at = 0; at < length; ) {
      const piece = 1 + random.below(200);
      hash.update(bytes.subarray(at, at + piece));
      at += piece;
    }
    assert.is(Buffer.from(hash.digest()).toString('hex'), createHash('sha256').update(bytes).digest('hex'));
  });
}

hashes.run();
