import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type GlueState, renewableGlue, STATE_IMPORT } from '../../../runtime/agent/glue-state.ts';
import { GLUE_TABLES, TABLES_IMPORT } from '../../../runtime/agent/glue-tables.ts';
import { budgetLifts } from '../../../runtime/agent/lift-budget.ts';
import { artifactOf } from '../../support/sandbox-lab.ts';

/** Glue in the generator's form; the lines stand among what is declared for everyone and beside the instances. */
const glueWith = (outer: readonly string[], inner: readonly string[] = []): string =>
  [
    'export function instantiate(getCoreModule, imports, instantiateCore = WebAssembly.instantiate) {',
    "  const { now } = imports['wasi:clocks/monotonic-clock'];",
    '  const T_FLAG = 1 << 30;',
    RESOURCES,
    ...outer.map((line) => `  ${line}`),
    '  let gen = (function* init () {',
    ...inner.map((line) => `    ${line}`),
    '    return { keep, look, };',
    '  })();',
    '  let promise, resolve, reject;',
    '  return gen.next().value;',
    '}',
  ].join('\n');

/** As the generator has always written it. */
const RESOURCES = `
  function rscTableCreateOwn (table, rep) {
    const free = table[0] & ~T_FLAG;
    if (free === 0) {
      table.push(0);
      table.push(rep | T_FLAG);
      return (table.length >> 1) - 1;
    }
    table[0] = table[free << 1];
    table[free << 1] = 0;
    table[(free << 1) + 1] = rep | T_FLAG;
    return free;
  }

  function rscTableRemove (table, handle) {
    const scope = table[handle << 1];
    const val = table[(handle << 1) + 1];
    const own = (val & T_FLAG) !== 0;
    const rep = val & ~T_FLAG;
    if (val === 0 || (scope & T_FLAG) !== 0) throw new TypeError('Invalid handle');
    table[handle << 1] = table[0] | T_FLAG;
    table[0] = handle | T_FLAG;
    return { rep, scope, own };
  }
`;

const glue = suite('glue that serves again');

glue('forgets handles and resources', async () => {
  const source = glueWith(
    ['let curResourceBorrows = [];'],
    [
      'let captureCnt1 = 0;',
      'const captureTable1= new Map();',
      'const handleTable1 = [T_FLAG, 0];',
      'function keep() { curResourceBorrows.push(1); captureTable1.set(++captureCnt1, {}); return rscTableCreateOwn(handleTable1, captureCnt1); }',
      'function look() { return [curResourceBorrows.length, captureCnt1, captureTable1.size]; }',
    ],
  );
  const module = (await import(`data:text/javascript,${encodeURIComponent(renewableGlue(source))}`)) as {
    instantiate: (get: null, imports: object) => { keep(): number; look(): unknown };
  };
  const state: GlueState = {};
  const imports = { 'wasi:clocks/monotonic-clock': {}, [TABLES_IMPORT]: GLUE_TABLES, [STATE_IMPORT]: state };
  const { keep, look } = module.instantiate(null, imports);
  const fresh = [0, 0, 0];
  assert.equal(look(), fresh);
  for (let times = 0; times < 2; times += 1) {
    assert.equal([keep(), keep()], [1, 2]);
    assert.equal(look(), [2, 2, 2]);
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
    assert.is(
      renewable.match(/(?:tables\$\.empty\(handleTable\d+\)|captureTable\d+\.clear\(\));/g)?.length ?? 0,
      tables,
    );
  });
}

glue.run();
