import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalJson } from '../../../../guest-sdk/protocol/index.ts';
import { refused } from '../../../support/refusal.ts';

const canonical = suite('canonical JSON');

for (const [value, text] of [
  [{ b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
  // Sorted by UTF-16 units, as in RFC 8785: the emoji before the letter of the private use area.
  [{ '\ufb33': 1, '\u{1f600}': 2, ö: 3, '\r': 4, '1': 5 }, '{"\\r":4,"1":5,"ö":3,"😀":2,"\ufb33":1}'],
  ['\u0007\u001f\u2028"\\/é', '"\\u0007\\u001f\u2028\\"\\\\/é"'],
  [-0, '0'],
  [2 ** 53 - 1, '9007199254740991'],
  [{ a: undefined }, '{}'],
] as const) {
  canonical(`of ${JSON.stringify(value)} is ${text}`, () => assert.is(canonicalJson(value), text));
}

for (const [what, value, sentence] of [
  ['a fraction', 0.5, /integers/],
  ['a number beyond 2^53', 2 ** 53, /integers/],
  ['half a surrogate pair', 'a\ud800', /surrogate/],
  ['a function', () => 1, /got function/],
  ['what goes on for ever', nested(20), /levels/],
] as const) {
  canonical(`refuses ${what}`, () => refused(() => canonicalJson(value), 'request-invalid', sentence));
}

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}

canonical.run();
