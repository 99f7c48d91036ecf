import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkFunctionPublisher, isTrustedPublisher } from '../../../runtime/provision/index.ts';
import { refused } from '../../support/refusal.ts';

const publishers = suite('whose a function is');

const [A, B] = ['A'.repeat(43), 'B'.repeat(43)] as const;

for (const [policy, signed, pinned, taken] of [
  ['anyone', [], undefined, null],
  ['anyone', [A], undefined, A],
  ['anyone', [B, A], A, A],
  ['pinned', [A], undefined, A],
  ['pinned', [B, A], A, A],
  [[A], [A], undefined, A],
  [[A], [B, A], undefined, A],
  [[A, B], [A, B], B, B],
] as const) {
  publishers(`${policy}: signed by ${signed.length} keys, of ${pinned ?? 'nobody'}, is taken as by ${taken}`, () => {
    assert.is(checkFunctionPublisher({ name: 'fn', policy, signed, pinned }), taken);
  });
}

for (const [policy, signed, pinned, sentence] of [
  ['pinned', [], undefined, /got no signature; sign it with/],
  [[A], [], undefined, /got no signature/],
  [[A], [B], undefined, new RegExp(`one of the 1 keys that the policy of this cloudlet lists, got ${B}`)],
  [[B], [A], A, /one of the 1 keys/],
  ['anyone', [], A, new RegExp(`by the key ${A}, which it belongs to, got no signature.*publisher forget fn`)],
  ['anyone', [B], A, new RegExp(`by the key ${A}.*by the key ${B}.*publisher accept fn ${B}`)],
  ['pinned', [B], A, new RegExp(`by the key ${A}.*by the key ${B}`)],
  // A second signature does not let another key in under a name that is somebody's.
  [[A, B], [B], A, new RegExp(`by the key ${A}.*by the key ${B}`)],
  [[B], [A, B], A, /one of the 1 keys/],
] as const) {
  publishers(`${policy}: signed by ${signed.length} keys, of ${pinned ?? 'nobody'}, is refused`, async () => {
    const question = { name: 'fn', policy, signed, pinned };
    await refused(() => checkFunctionPublisher(question), 'signature-invalid', sentence);
    assert.is(isTrustedPublisher(question), false);
  });
}

publishers.run();
