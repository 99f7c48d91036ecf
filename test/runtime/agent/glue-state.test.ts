import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type GlueState, renewableGlue, STATE_IMPORT } from '../../../runtime/agent/glue-state.ts';
import { budgetLifts } from '../../../runtime/agent/lift-budget.ts';
import { artifactOf } from '../../support/sandbox-lab.ts';

/** Glue in the generator's form; the lines stand among what is declared for everyone and beside the instances. */
const glueWith = (outer: readonly string[], inner: readonly string[] = []): string =>
  [
    'export function instantiate(getCoreModule, imports, instantiateCore = WebAssembly.instantiate) {',
    "  const { now } = imports['wasi:clocks/monotonic-clock'];",
    '  const T_FLAG = 1 << 30;',
    ...outer.map((line) => `  ${line}`),
    '  let gen = (function* init () {',
    ...inner.map((line) => `    ${line}`),
    '    return { keep, look, };',
    '  })();',
    '  let promise, resolve, reject;',
    '  return gen.next().value;',
    '}',
  ].join('\n');

const glue = suite('glue that serves again');

glue('forgets handles and resources', async () => {
  const source = glueWith(
    ['let curResourceBorrows = [];'],
    [
      'let captureCnt1 = 0;',
      'const captureTable1= new Map();',
      'const handleTable1 = [T_FLAG, 0];',
      'function keep() { curResourceBorrows.push(1); captureTable1.set(++captureCnt1, 1); handleTable1.push(5); handleTable1[1] = 7; }',
      'function look() { return [curResourceBorrows.length, captureCnt1, captureTable1.size, handleTable1]; }',
    ],
  );
  const module = (await import(`data:text/javascript,${encodeURIComponent(renewableGlue(source))}`)) as {
    instantiate: (get: null, imports: object) => { keep(): void; look(): unknown };
  };
  const state: GlueState = {};
  const { keep, look } = module.instantiate(null, { 'wasi:clocks/monotonic-clock': {}, [STATE_IMPORT]: state });
  const fresh = [0, 0, 0, [1 << 30, 0]];
  assert.equal(look(), fresh);
  for (let times = 0; times < 2; times += 1) {
    keep();
    keep();
    assert.equal(look(), [2, 2, 2, [1 << 30, 7, 5, 5]]);
    state.reset!();
    assert.equal(look(), fresh);
  }
});

for (const [what, outer, inner] of [
  ['an unknown variable', ['let calls = 0;'], []],
  ['an unknown constant', ['const calls = new Map();'], []],
  ['an unknown variable beside the instances', [], ['let calls = 0;']],
  ['an unknown class', ['class Keeper {'], []],
  ['finalizers', [], ['function f() { new FinalizationRegistry(() => {}); }']],
] as const) {
  glue(`stays as it is when it has ${what}`, () => {
    const source = glueWith(outer, inner);
    assert.is(renewableGlue(source), source);
  });
}

for (const name of ['typed', 'evil', 'cat', 'hello-http', 'hoard', 'files']) {
  glue(`of ${name} can serve again`, async () => {
    const { glue: source } = await artifactOf(name);
    const renewable = renewableGlue(budgetLifts(source));
    assert.match(renewable, `imports['${STATE_IMPORT}'].reset = () => {`);
    const tables = source.match(/const (?:handle|capture)Table\d+ ?=/g)?.length ?? 0;
    assert.is(renewable.match(/Table\d+(?:\.length = 2| = new Map\(\));/g)?.length ?? 0, tables);
  });
}

glue.run();
