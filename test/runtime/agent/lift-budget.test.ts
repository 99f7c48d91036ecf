import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GuestFailure } from '../../../runtime/agent/guest-failure.ts';
import { budgetLifts, LIFT_IMPORT, LiftBudget } from '../../../runtime/agent/lift-budget.ts';
import { memorySink } from '../../../runtime/wasi/index.ts';

const MIB = 1024 * 1024;
const memory = new ArrayBuffer(2 * MIB);
const bytes = new Uint8Array(memory);
const tooLarge = (error: unknown) => error instanceof GuestFailure && error.code === 'result-too-large';

const lift = suite('a lift budget');

lift('copies what is asked for', () => {
  const source = Uint8Array.of(1, 2, 3, 4);
  assert.equal([...new Uint8Array(new LiftBudget(0).bytes(source.buffer, 1, 3))], [2, 3]);
  for (const length of [0, 2, 64, 65, 200]) {
    const bytes = Uint8Array.from({ length: 250 }, (_, at) => at);
    const list = new LiftBudget(MIB).list8(bytes, 3, length);
    assert.equal([...list], [...bytes.subarray(3, 3 + length)]);
    bytes.fill(0);
    assert.ok(list.every((byte) => byte > 0));
  }
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
    assert.throws(
      () => new LiftBudget(MIB).list8(new Uint8Array(memory), from, to - from),
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

lift('reads texts of the memory as its decoder does, short and long', () => {
  for (const text of [
    '',
    'a',
    'content-type',
    'x'.repeat(64),
    'y'.repeat(65),
    'grüß',
    '\ufeff',
    '\0\x7f',
    '😀'.repeat(40),
  ]) {
    const given = new Uint8Array(3 * 64 * 3);
    given.set(Buffer.from(text), 5);
    assert.is(new LiftBudget(0).text8(given, 5, Buffer.byteLength(text)), text);
  }
  for (const [from, length] of [
    [-1, 1],
    [0, -1],
    [2 * MIB, 1],
    [2 * MIB - 3, 4],
    [0, 2 * MIB + 1],
  ] as const) {
    assert.throws(
      () => new LiftBudget(4 * MIB).text8(bytes, from, length),
      (thrown: unknown) => thrown instanceof RangeError,
    );
  }
  assert.throws(
    () => new LiftBudget(0).text8(Uint8Array.of(0x66, 0xc3, 0x28), 0, 3),
    (thrown: unknown) => thrown instanceof TypeError,
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

lift('is for one call at a time', () => {
  const budget = new LiftBudget(0);
  for (let times = 0; times < 20; times += 1) {
    budget.bytes(memory, 0, MIB);
    budget.refill();
  }
  assert.throws(() => budget.bytes(memory, 0, MIB + 1), tooLarge);
});

for (const [what, lift_] of [
  ['a long list of small values', (budget: LiftBudget) => budget.list(3_000_000, 1)],
  ['a list of large records', (budget: LiftBudget) => budget.list(100_000, 100)],
  ['many empty lists', (budget: LiftBudget) => repeat(2_000_000, () => budget.list(0, 8))],
  ['many short lists', (budget: LiftBudget) => repeat(300_000, () => budget.list8(bytes, 0, 1))],
  ['many lists of no bytes', (budget: LiftBudget) => repeat(300_000, () => budget.bytes(memory, 0, 0))],
  ['many empty texts of the memory', (budget: LiftBudget) => repeat(3_000_000, () => budget.text8(bytes, 0, 0))],
  ['many empty texts', (budget: LiftBudget) => repeat(3_000_000, () => budget.utf8(new Uint8Array(0)))],
] as const) {
  lift(`ends a guest that gives ${what}, which are few bytes and much of the heap`, () => {
    assert.throws(() => lift_(new LiftBudget(64 * MIB)), tooLarge);
  });
}

lift('refuses a list of 2^32 - 1 elements, which the glue reads as -1', () => {
  assert.equal(new LiftBudget(0).list(3, 8), []);
  assert.throws(
    () => new LiftBudget(0).list(-1, 8),
    (error: unknown) => error instanceof RangeError,
  );
});

function repeat(times: number, act: () => unknown): void {
  for (let left = times; left > 0; left -= 1) act();
}

lift('puts itself into the glue', () => {
  const glue = [
    'export function instantiate(getCoreModule, imports, instantiateCore = WebAssembly.instantiate) {',
    '  var result0 = new Uint8Array(memory0.buffer.slice(ptr0, ptr0 + len0 * 1));',
    '  var result1 = utf8Decoder.decode(new Uint8Array(memory12.buffer, ptr1, len1));',
    '  var result2 = utf16Decoder.decode(new Uint16Array(memory0.buffer, ptr2, len2));',
    '  function trampoline3(arg0) {',
    '  }',
    '  const trampoline4 = new WebAssembly.Suspending(async function(arg0, arg1) {',
    '  });',
    '  const ret = await exports0Items(ptr0);',
    '  var result5 = [];',
    '  for (let i = 0; i < len5; i++) {',
    '    const base = base5 + i * 12;',
    '  }',
    '}',
  ].join('\n');
  assert.is(
    budgetLifts(glue),
    [
      `export function instantiate(getCoreModule, imports, instantiateCore = WebAssembly.instantiate) { const lift$ = imports['${LIFT_IMPORT}'];`,
      '  var result0 = lift$.list8(new Uint8Array(memory0.buffer), ptr0, len0);',
      '  var result1 = lift$.utf8(new Uint8Array(memory12.buffer, ptr1, len1));',
      '  var result2 = lift$.utf16(new Uint16Array(memory0.buffer, ptr2, len2));',
      '  function trampoline3(arg0) {',
      '    lift$.refill();',
      '  }',
      '  const trampoline4 = new WebAssembly.Suspending(async function(arg0, arg1) {',
      '    lift$.refill();',
      '  });',
      '  const ret = await exports0Items(ptr0);',
      '    lift$.refill();',
      '  var result5 = lift$.list(len5, 12);',
      '  for (let i = 0; i < len5; i++) {',
      '    const base = base5 + i * 12;',
      '  }',
      '}',
    ].join('\n'),
  );
});

lift('refuses glue that it does not know', () => {
  assert.throws(() => budgetLifts('export const instantiate = () => {};'), 'expected glue');
});

lift.run();
