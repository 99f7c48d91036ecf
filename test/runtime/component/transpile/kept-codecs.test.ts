import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keepCodecs } from '../../../../runtime/component/transpile/kept-codecs.ts';

const codecs = suite('codecs of streams and futures');

codecs('are made once, the outermost of what is nested', () => {
  const { glue, names } = keepCodecs(
    "f({ payloadLiftFn:\n_liftFlatResult({ caseMetas: [['ok', _liftFlatU8], { liftFn: _liftFlatList({ of: 1 }) }] }), lowerFn: _lowerFlatOption({}) })",
  );
  assert.equal(names, ['codec0$', 'codec1$']);
  assert.is(
    glue,
    "f({ payloadLiftFn:\n(codec0$ ??= _liftFlatResult({ caseMetas: [['ok', _liftFlatU8], { liftFn: _liftFlatList({ of: 1 }) }] })), lowerFn: (codec1$ ??= _lowerFlatOption({})) })",
  );
});

codecs('with names of their own are kept as well', () => {
  const text = 'liftFn: _liftFlatOwn({ make: (handle) => { const rep1 = table[handle]; return rep1; } })';
  assert.equal(keepCodecs(text).names, ['codec0$']);
});

for (const [what, text] of [
  ['that have something of one call', 'liftFn: _liftFlatOwn({ of: handle1 })'],
  ['that are functions already', 'payloadLiftFn: _liftFlatU8, payloadLowerFn: null'],
  ['with text that is not understood', 'liftFn: _liftFlatOwn({ a: `)` })'],
  ['with a comment', 'liftFn: _liftFlatOwn({ /* ) */ a: 1 })'],
  ['that do not end', 'liftFn: _liftFlatOwn({ a: [1'],
  ['of which a string does not end', "liftFn: _liftFlatOwn({ a: 'b\n })"],
] as const)
  codecs(`${what} stay as they are`, () => {
    assert.equal(keepCodecs(text), { glue: text, names: [] });
  });

codecs.run();
