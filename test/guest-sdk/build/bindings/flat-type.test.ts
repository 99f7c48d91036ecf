import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { flatten } from '../../../../guest-sdk/build/bindings/flat-type.ts';
import type { WitType } from '../../../../guest-sdk/protocol/index.ts';

const flat = suite('core values');

const u8: WitType = { kind: 'u8' };
const f32: WitType = { kind: 'f32' };
const f64: WitType = { kind: 'f64' };
const u64: WitType = { kind: 'u64' };
const string: WitType = { kind: 'string' };

/** A variant with a case for each payload. */
const variantOf = (...payloads: (WitType | null)[]): WitType => ({
  kind: 'variant',
  cases: payloads.map((type, at) => ({ name: `c${at}`, type })),
});

for (const [what, type, core] of [
  ['a small integer', u8, ['i32']],
  ['a string', string, ['i32', 'i32']],
  ['a variant without payloads', variantOf(null, null), ['i32']],
  ['an option', { kind: 'option', some: u64 }, ['i32', 'i64']],
  ['cases of one width', variantOf(f32, u8), ['i32', 'i32']],
  ['cases of two widths', variantOf(f32, u64), ['i32', 'i64']],
  ['floats of two widths', variantOf(f32, f64), ['i32', 'i64']],
  ['cases of several lengths', variantOf(string, f64, null), ['i32', 'i64', 'i32']],
  ['a tuple', { kind: 'tuple', elements: [u8, string, f32] }, ['i32', 'i32', 'i32', 'f32']],
] as const) {
  flat(`carry ${what} in ${core.join(', ')}`, () => assert.equal(flatten(type), core));
}

flat.run();
