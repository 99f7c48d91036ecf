import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GuestFailure } from '../../../runtime/agent/guest-failure.ts';
import { budgetLifts, LIFT_IMPORT, LiftBudget } from '../../../runtime/agent/lift-budget.ts';
import { memorySink } from '../../../runtime/wasi/index.ts';

const MIB = 1024 * 1024;
const memory = new ArrayBuffer(2 * MIB);
const tooLarge = (error: unknown) => error instanceof GuestFailure && error.code === 'result-too-large';

const lift = suite('a lift budget');

lift('copies what is asked for', () => {
  const source = Uint8Array.of(1, 2, 3, 4);
  assert.equal([...new Uint8Array(new LiftBudget(0).bytes(source.buffer, 1, 3))], [2, 3]);
  assert.is(new LiftBudget(0).utf8(Buffer.from('\ufeffgrüß')), '\ufeffgrüß');
  assert.is(new LiftBudget(0).utf16(Uint16Array.of(0x67, 0xd83d, 0xde00)), 'g😀');
});

for (const [from, to] of [
  [-1, 1],
  [0, memory.byteLength + 1],
  [5, 4],
  [memory.byteLength, memory.byteLength + 8],
] as const) {
  lift(`refuses a list from ${from} to ${to}`, () => {
    assert.throws(
      () => new LiftBudget(MIB).bytes(memory, from, to),
      (error: unknown) => error instanceof RangeError,
    );
  });
}

lift('refuses text that is none', () => {
  assert.throws(
    () => new LiftBudget(0).utf8(Uint8Array.of(0x66, 0xc3, 0x28)),
    (error: unknown) => error instanceof TypeError,
  );
  assert.throws(
    () => new LiftBudget(0).utf16(Uint16Array.of(0xd800)),
    (error: unknown) => error instanceof TypeError,
  );
});

lift('ends a guest that copies the same bytes again and again', () => {
  const budget = new LiftBudget(3 * MIB);
  for (let times = 0; times < 4; times += 1) budget.bytes(memory, 0, MIB);
  assert.throws(() => budget.bytes(memory, 0, 1), tooLarge);
});

lift('counts no longer what a sink has taken', () => {
  const budget = new LiftBudget(0);
  const sink = budget.onTheWay(memorySink(100 * MIB));
  for (let times = 0; times < 20; times += 1) sink.write(new Uint8Array(budget.bytes(memory, 0, MIB)));
  assert.throws(() => budget.bytes(memory, 0, MIB + 1), tooLarge);
});

lift('puts itself into the glue', () => {
  const glue = [
    'export function instantiate(getCoreModule, imports, instantiateCore = WebAssembly.instantiate) {',
    '  var result0 = new Uint8Array(memory0.buffer.slice(ptr0, ptr0 + len0 * 1));',
    '  var result1 = utf8Decoder.decode(new Uint8Array(memory12.buffer, ptr1, len1));',
    '  var result2 = utf16Decoder.decode(new Uint16Array(memory0.buffer, ptr2, len2));',
    '}',
  ].join('\n');
  assert.is(
    budgetLifts(glue),
    [
      `export function instantiate(getCoreModule, imports, instantiateCore = WebAssembly.instantiate) { const lift$ = imports['${LIFT_IMPORT}'];`,
      '  var result0 = new Uint8Array(lift$.bytes(memory0.buffer, ptr0, ptr0 + len0 * 1));',
      '  var result1 = lift$.utf8(new Uint8Array(memory12.buffer, ptr1, len1));',
      '  var result2 = lift$.utf16(new Uint16Array(memory0.buffer, ptr2, len2));',
      '}',
    ].join('\n'),
  );
});

lift('refuses glue that it does not know', () => {
  assert.throws(() => budgetLifts('export const instantiate = () => {};'), 'expected glue');
});

lift.run();
