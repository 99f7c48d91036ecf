import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseByteRange } from '../../../host/http/byte-range.ts';
import { refused } from '../../support/refusal.ts';

const ranges = suite('a range of bytes');

for (const [header, bytes, range] of [
  [undefined, 10, null],
  ['bytes=0-0', 10, [0, 1]],
  ['bytes=2-5', 10, [2, 6]],
  ['bytes=2-', 10, [2, 10]],
  ['bytes=2-99', 10, [2, 10]],
  ['bytes=-3', 10, [7, 10]],
  ['bytes=-99', 10, [0, 10]],
  ['bytes=5-2', 10, null],
  ['bytes=-', 10, null],
  ['bytes=0-1,3-4', 10, null],
  ['items=0-1', 10, null],
  ['bytes=0x1-2', 10, null],
  ['bytes=99999999999999999999-', 10, null],
] as const) {
  ranges(`${header} of ${bytes} is ${JSON.stringify(range)}`, () => {
    const got = parseByteRange(header, bytes);
    assert.equal(got === null ? null : [got.start, got.end], range);
  });
}
for (const [header, bytes] of [
  ['bytes=10-', 10],
  ['bytes=10-20', 10],
  ['bytes=-0', 10],
  ['bytes=0-', 0],
] as const) {
  ranges(`${header} of ${bytes} is not there`, () =>
    refused(() => parseByteRange(header, bytes), 'range-unsatisfiable', new RegExp(`${bytes} bytes`)),
  );
}

ranges.run();
