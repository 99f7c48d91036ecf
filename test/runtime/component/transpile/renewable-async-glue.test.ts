import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { renewableAsyncGlue } from '../../../../runtime/component/transpile/renewable-async-glue.ts';

const renewable = suite('glue that makes one asynchronous instance after another');

const FORM = `export function instantiate(getCoreModule, imports) {
  const state$ = {};
  const ASYNC_STATE = new Map();
  class ComponentAsyncState {
  }
  let gen = (function* _initGenerator () {
    return 1;
  })();
  let promise, resolve, reject;
  const maybeSyncReturn = runNext(null);
  return promise || maybeSyncReturn;
}
`;

renewable('changes nothing where a declaration is of an unknown form', () => {
  assert.match(renewableAsyncGlue(FORM), 'ASYNC_STATE = new Map();\n    gen = ');
  for (const [from, to] of [
    ['new Map()', 'new Map(imports)'],
    ['const ASYNC_STATE', 'const OTHER_STATE = [];\n  const ASYNC_STATE'],
    ['function* _initGenerator', 'function* other'],
    ['return promise || maybeSyncReturn', 'return promise'],
    ['class ComponentAsyncState {', 'class Other {'],
  ] as const) {
    const other = FORM.replace(from, to);
    assert.is(renewableAsyncGlue(other), other, from);
  }
});

renewable.run();
