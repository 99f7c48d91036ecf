import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeLz4Legacy } from '../../../runtime/image/lz4.ts';

const lz4 = suite('an LZ4 legacy frame');

/** A frame of one block. */
function frame(...block: number[]): Uint8Array {
  return Uint8Array.from([0x02, 0x21, 0x4c, 0x18, block.length, 0, 0, 0, ...block]);
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

for (const [what, block, expected] of [
  ['literals alone', [0x30, 0x61, 0x62, 0x63], 'abc'],
  ['a match that does not overlap', [0x40, 0x61, 0x62, 0x63, 0x64, 0x04, 0x00, 0x10, 0x21], 'abcdabcd!'],
  ['a match that repeats itself', [0x12, 0x61, 0x01, 0x00, 0x10, 0x62], 'aaaaaaab'],
  ['a length in several bytes', [0x1f, 0x61, 0x01, 0x00, 0x05, 0x10, 0x62], `${'a'.repeat(25)}b`],
] as const) {
  lz4(`with ${what} is decoded`, () => assert.is(text(decodeLz4Legacy(frame(...block), expected.length)), expected));
}

for (const [what, bytes, size, complaint] of [
  ['another magic', Uint8Array.from([1, 2, 3, 4]), 1, 'expected an LZ4 legacy frame'],
  ['a block that is cut off', Uint8Array.from([2, 0x21, 0x4c, 0x18, 99, 0, 0, 0, 1]), 1, 'ends inside a block'],
  ['literals that are cut off', frame(0x50, 0x61), 5, 'too many literals'],
  ['more bytes than announced', frame(0x30, 0x61, 0x62, 0x63), 2, 'too many literals'],
  ['fewer bytes than announced', frame(0x30, 0x61, 0x62, 0x63), 4, 'expected 4 decoded bytes, got 3'],
  ['a match before the begin', frame(0x10, 0x61, 0x09, 0x00), 9, 'reaches outside'],
] as const) {
  lz4(`with ${what} is refused`, () => {
    assert.throws(
      () => decodeLz4Legacy(bytes, size),
      (error: Error) => error.message.includes(complaint),
    );
  });
}

lz4.run();
