import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type GlueState, renewableGlue, STATE_IMPORT } from '../../../runtime/agent/glue-state.ts';
import { budgetLifts, LIFT_IMPORT } from '../../../runtime/agent/lift-budget.ts';
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
    '    let look = () => [now(), typeof held === "undefined" ? null : held];',
    '    return { look: () => [now(), keep()], };',
    '  })();',
    '  let promise, resolve, reject;',
    '  return gen.next().value;',
    '}',
  ]
    .filter((line) => !line.includes('let look'))
    .join('\n');

const glue = suite('glue that serves again');

glue('forgets handles and resources, and takes other imports', async () => {
  const source = glueWith(
    ['let curResourceBorrows = [];', 'function keep() { return [...curResourceBorrows]; }'],
    [
      'let captureCnt1 = 0;',
      'const captureTable1= new Map();',
      'const handleTable1 = [T_FLAG, 0];',
      'curResourceBorrows.push(() => [++captureCnt1, captureTable1.set(captureCnt1, 1).size, handleTable1.push(5)]);',
    ],
  );
  const module = (await import(`data:text/javascript,${encodeURIComponent(renewableGlue(source))}`)) as {
    instantiate: (get: null, imports: object) => { look(): [string, (() => number[])[]] };
  };
  const state: GlueState = {};
  const { look } = module.instantiate(null, {
    'wasi:clocks/monotonic-clock': { now: () => 'then' },
    [STATE_IMPORT]: state,
  });
  const [time, [held]] = look();
  assert.is(time, 'then');
  assert.equal(held!(), [1, 1, 3]);
  assert.equal(held!(), [2, 2, 4]);
  state.bind!({ 'wasi:clocks/monotonic-clock': { now: () => 'now' } });
  state.reset!();
  assert.equal(look(), ['now', []]);
  assert.equal(held!(), [1, 1, 3]);
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
    assert.match(renewable, `Object.assign(imports['${STATE_IMPORT}'], {`);
    assert.match(renewable, `(lift$ = imports['${LIFT_IMPORT}']);`);
    // Nothing that could hold something of an invocation is left constant or forgotten.
    assert.not.match(renewable, /^ {2}const \{.*\} = imports/m);
    const tables = source.match(/const (?:handle|capture)Table\d+ ?=/g)?.length ?? 0;
    assert.is(renewable.match(/(?:Table\d+\.length = 2|Table\d+\.clear\(\));/g)?.length ?? 0, tables);
  });
}

glue.run();
