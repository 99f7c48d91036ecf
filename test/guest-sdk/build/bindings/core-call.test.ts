import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { coreCall, coreName } from '../../../../guest-sdk/build/bindings/core-call.ts';
import type { WitType } from '../../../../guest-sdk/protocol/index.ts';
import { echoOf } from '../../../support/wit-values.ts';

const call = suite('a call by core values');

const u8: WitType = { kind: 'u8' };
const string: WitType = { kind: 'string' };
const fn = (params: readonly WitType[], result: WitType | null) => ({
  ...echoOf(u8),
  params: params.map((type, at) => ({ name: `p${at}`, type })),
  result,
});

call('says where the values of each parameter begin, and what the result is', () => {
  const { flat, slots, inMemory, behind, result } = coreCall(fn([u8, string, u8], { kind: 'u64' }));
  assert.equal([flat.length, slots, inMemory, behind, result], [4, [0, 1, 3], false, false, 'i64']);
});

call('has parameters in memory when they are more than 16 values, and a result when it is more than one', () => {
  const eight = Array.from({ length: 8 }, () => string);
  assert.equal(
    [coreCall(fn(eight, string))].map((each) => [each.inMemory, each.behind, each.result]),
    [[false, true, null]],
  );
  assert.ok(coreCall(fn([...eight, u8], null)).inMemory);
  assert.is(coreCall(fn([], null)).result, null);
});

call('has a name with that of its interface', () => {
  assert.is(coreName({ ...echoOf(u8), interface: null, function: 'f' }), 'f');
  assert.is(coreName({ ...echoOf(u8), interface: 'a:b/c@1.0.0', function: 'f' }), 'a:b/c@1.0.0#f');
});

call.run();
