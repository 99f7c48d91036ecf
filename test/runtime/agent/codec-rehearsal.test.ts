import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SPECIMEN } from '../../../runtime/agent/codec-rehearsal.ts';
import { decodeMessage, encodeMessage } from '../../../runtime/agent/message-codec.ts';

const rehearsal = suite('the rehearsal of the codec');

rehearsal('goes there and back, together and each value by itself', () => {
  for (const message of [SPECIMEN, ...Object.values(SPECIMEN).flat()]) {
    assert.equal(decodeMessage(encodeMessage(message)), message);
  }
});

rehearsal('has texts of every length that the codec treats in a way of its own', () => {
  const lengths = SPECIMEN.texts.map((text) => Buffer.byteLength(text));
  for (const [from, to] of [
    [0, 0],
    [1, 15],
    [16, 31],
    [32, 64],
    [65, 255],
  ] as const) {
    assert.ok(
      lengths.some((length) => length >= from && length <= to),
      `from ${from} to ${to} bytes`,
    );
  }
});

rehearsal.run();
