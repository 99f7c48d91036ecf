import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeArguments, formatType, type WitType } from '../../../guest-sdk/protocol/index.ts';
import { exampleValue } from '../../../host/dashboard/example-value.ts';
import { SeededRandom } from '../../support/random.ts';
import { echoOf, randomType } from '../../support/wit-values.ts';

const examples = suite('example values');

for (const [type, value] of [
  ['bool', true],
  ['u8', 1],
  ['s64', 1],
  ['f32', 1.5],
  ['char', 'a'],
  ['string', 'hello'],
  ['list<u8>', 'aGVsbG8='],
  ['list<string>', ['hello']],
  ['list<tuple<f64, f64>>', [[1.5, 1.5]]],
  ['option<u32>', 1],
  ['option<option<string>>', { some: 'hello' }],
  ['result', { ok: null }],
  ['result<_, string>', { ok: null }],
  ['result<u64, string>', { ok: 1 }],
  ['enum { red, green }', 'red'],
  ['flags { read, write }', ['read']],
  [
    'record { x: f64, inner: record { at: option<u8>, names: list<string> } }',
    { x: 1.5, inner: { at: 1, names: ['hello'] } },
  ],
  ['variant { circle(f64), nothing }', { tag: 'circle', val: 1.5 }],
  ['variant { nothing, pair(tuple<u8, string>) }', { tag: 'nothing' }],
  ['resource-of-tomorrow', null],
  ['', null],
] as const) {
  examples(`of ${type || 'nothing'} is ${JSON.stringify(value)}`, () => assert.equal(exampleValue(type), value));
}

examples('of any type that can be carried are accepted by the cloudlet', () => {
  const random = new SeededRandom(Math.floor(Math.random() * 2 ** 32));
  for (let round = 0; round < 500; round++) {
    const type: WitType = randomType(random, 3);
    const fn = echoOf(type);
    const text = formatType(type);
    try {
      decodeArguments(fn, [exampleValue(text)], 'json');
    } catch (error) {
      throw new Error(`seed ${random.seed}: ${text} ← ${JSON.stringify(exampleValue(text))}`, { cause: error });
    }
  }
});

examples('of a type that never ends is found soon', () => {
  const deep = `${'list<'.repeat(5000)}u8${'>'.repeat(5000)}`;
  assert.ok(JSON.stringify(exampleValue(deep)).length < 100);
});

examples.run();
