import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KnownHeaders } from '../../../host/http/known-headers.ts';
import type { HeaderPair } from '../../../runtime/index.ts';

const known = suite('header fields of answers that are known');
const pair = (name: string, value: string): HeaderPair => [name, Buffer.from(value, 'latin1')];

known('the same fields are looked through once, whoever has their bytes', () => {
  const headers = new KnownHeaders();
  const given = Buffer.from('text/plain');
  const first = headers.of([['content-type', given], pair('x-a', '1')]);
  assert.is(headers.of([pair('content-type', 'text/plain'), pair('x-a', '1')]), first);
  given.fill('x');
  assert.is(headers.of([pair('content-type', 'text/plain'), pair('x-a', '1')]), first);
  assert.equal(first.fields, [
    ['content-type', 'text/plain'],
    ['x-a', '1'],
  ]);
});

for (const [what, pairs] of [
  ['another value', [pair('a', '1'), pair('b', '3')]],
  ['a longer value', [pair('a', '1'), pair('b', '22')]],
  ['another name', [pair('a', '1'), pair('c', '2')]],
  ['a name in capitals', [pair('A', '1'), pair('b', '2')]],
  ['another order', [pair('b', '2'), pair('a', '1')]],
  ['one less', [pair('a', '1')]],
  ['one more', [pair('a', '1'), pair('b', '2'), pair('c', '')]],
  ['none', []],
] as const)
  known(`${what} makes others of them`, () => {
    const headers = new KnownHeaders();
    const first = headers.of([pair('a', '1'), pair('b', '2')]);
    const other = headers.of(pairs);
    assert.is.not(other, first);
    assert.equal(
      other.fields,
      pairs.map(([name, value]) => [name.toLowerCase(), Buffer.from(value).toString()]),
    );
  });

known('what is refused is refused again, and what is long is looked through each time', () => {
  const headers = new KnownHeaders();
  for (let time = 0; time < 2; time += 1) assert.throws(() => headers.of([pair('a b', '')]), /HTTP header fields/);
  const long = [pair('a', 'x'.repeat(3000))];
  assert.is.not(headers.of(long), headers.of(long));
});

known('where each answer has others, few are remembered, and what was known is forgotten at last', () => {
  const headers = new KnownHeaders();
  const first = headers.of([pair('a', '0')]);
  for (let count = 1; count < 8; count += 1) headers.of([pair('a', String(count))]);
  assert.is(headers.of([pair('a', '0')]), first);
  for (let count = 8; count < 16; count += 1) headers.of([pair('a', String(count))]);
  assert.is.not(headers.of([pair('a', '0')]), first);
});

known('one that is withheld is named each time', () => {
  const headers = new KnownHeaders();
  for (let time = 0; time < 2; time += 1)
    assert.equal(headers.of([pair('set-cookie', 'a=b')]).stripped, ['set-cookie']);
});

known.run();
