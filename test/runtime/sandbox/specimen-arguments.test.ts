import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  readBindingValue,
  type WitFunction,
  type WitType,
  writeBindingValue,
} from '../../../guest-sdk/protocol/index.ts';
import { specimenArguments } from '../../../runtime/sandbox/specimen-arguments.ts';
import { SeededRandom } from '../../support/random.ts';
import { randomType } from '../../support/wit-values.ts';

const specimen = suite('specimens of arguments');

const taking = (...types: readonly WitType[]): WitFunction => ({
  ...{ name: 'f', interface: null, function: 'f', result: null, async: false },
  params: types.map((type, at) => ({ name: `p${at}`, type })),
});

const U8: WitType = { kind: 'u8' };
const TEXT: WitType = { kind: 'string' };

const TABLE: readonly (readonly [type: WitType, one: unknown, zero: unknown])[] = [
  [{ kind: 'bool' }, true, false],
  ...(['s8', 'u8', 's16', 'u16', 's32', 'u32', 'f32', 'f64'] as const).map((kind) => [{ kind }, 1, 0] as const),
  ...(['s64', 'u64'] as const).map((kind) => [{ kind }, 1n, 0n] as const),
  [{ kind: 'char' }, 'a', '0'],
  [TEXT, 'a', ''],
  [{ kind: 'list', element: U8 }, Uint8Array.of(1), new Uint8Array(0)],
  [{ kind: 'list', element: TEXT }, ['a'], []],
  [{ kind: 'tuple', elements: [U8, TEXT] }, [1, 'a'], [0, '']],
  [{ kind: 'record', fields: [{ name: 'an-x', type: U8 }] }, { anX: 1 }, { anX: 0 }],
  [
    {
      kind: 'variant',
      cases: [
        { name: 'a', type: U8 },
        { name: 'b', type: null },
      ],
    },
    { tag: 'b' },
    { tag: 'a', val: 0 },
  ],
  [{ kind: 'enum', cases: ['a', 'b'] }, 'b', 'a'],
  [
    { kind: 'flags', names: ['a', 'b'] },
    { a: true, b: true },
    { a: false, b: false },
  ],
  [{ kind: 'option', some: U8 }, 1, undefined],
  [{ kind: 'option', some: { kind: 'option', some: U8 } }, { tag: 'some', val: 1 }, { tag: 'none' }],
  [
    { kind: 'result', ok: U8, err: null },
    { tag: 'ok', val: 1 },
    { tag: 'ok', val: 0 },
  ],
  [
    { kind: 'result', ok: null, err: U8 },
    { tag: 'ok', val: undefined },
    { tag: 'ok', val: undefined },
  ],
];

for (const [type, ...values] of TABLE) {
  specimen(`are ones and zeros: ${JSON.stringify(type)}`, () => {
    // All through the same bytes, so that 0n and an absent value are what a guest would get.
    assert.equal(
      specimenArguments(taking(type)).map(readBindingValue),
      values.map((value) => readBindingValue(writeBindingValue([value]))),
    );
  });
}

specimen('are there for any type', () => {
  const random = new SeededRandom(Math.random() * 2 ** 32);
  for (let round = 0; round < 500; round += 1) {
    const type = randomType(random, 4);
    const lengths = specimenArguments(taking(type)).map((input) => (readBindingValue(input) as unknown[]).length);
    assert.equal(lengths, [1, 1], `seed ${random.seed}: ${JSON.stringify(type)}`);
  }
});

specimen('are nothing, once, for what takes nothing', () => {
  assert.equal(specimenArguments(taking()).map(readBindingValue), [[]]);
});

specimen('are none where nobody can call', () => {
  assert.equal(specimenArguments(taking({ kind: 'unsupported', what: 'stream' })), []);
});

specimen.run();
