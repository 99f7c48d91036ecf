import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatType, parseType } from '../../../guest-sdk/protocol/index.ts';
import { SeededRandom } from '../../support/random.ts';
import { randomType } from '../../support/wit-values.ts';

const text = suite('the text of a WIT type');

text('is read as the type that it was written from', () => {
  const random = new SeededRandom(Number(process.env.SEED ?? 20261126));
  for (let round = 0; round < 2000; round += 1) {
    const type = randomType(random, 6);
    const written = formatType(type);
    assert.equal(parseType(written), type, `${written} (seed ${random.seed})`);
  }
});

for (const what of ['own<file>', 'stream<list<u8>>', 'future', 'error-context'])
  text(`${what} cannot be carried, and keeps its name`, () => {
    assert.equal(parseType(`list<${what}>`), { kind: 'list', element: { kind: 'unsupported', what } });
  });

for (const [wrong, words] of [
  ['', /a name, got its end/],
  ['list<u8', /">", got its end/],
  ['list<u8>>', /the end, got ">" at 8/],
  ['record { a u8 }', /":", got "u8" at 11/],
  ['tuple<u8,>', /a name, got ">" at 9/],
  ['own<u8', /">", got its end/],
  [`${'list<'.repeat(100)}u8${'>'.repeat(100)}`, /at most 64/],
] as const)
  text(`refuses ${wrong.slice(0, 20) || 'nothing'}`, () => {
    assert.throws(() => parseType(wrong), words);
  });

text.run();
