import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { instantiateMetered, RESERVED_EXPORTS } from '../../../../runtime/component/rewrite/metered-instance.ts';
import { rewriteModule } from '../../../../runtime/component/rewrite/rewrite-module.ts';
import { wat } from '../../../support/wat.ts';

const growth = suite('a memory that grows');

const GROWS = `(module
  (memory 1 3)
  (func (export "grow") (param i32) (result i32) (local i64) (memory.grow (local.get 0)))
  (func (export "grow-in-a-sum") (param i32) (result i32)
    (i32.add (memory.grow (local.get 0)) (loop (result i32) (i32.const 10)))))`;

growth('gives the answers that it gave, and remembers that it was refused what it asked for', async () => {
  const { bytes } = rewriteModule('component.core.wasm', await wat(GROWS));
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  const { exports } = await instantiateMetered(module, {}, () => 1000n);
  const grow = exports['grow'] as (pages: number) => number;
  const refused = exports[RESERVED_EXPORTS.refused] as WebAssembly.Global;
  assert.equal([grow(1), grow(0), refused.value], [1, 2, 0]);
  assert.equal([grow(2), refused.value], [-1, 1]);
  assert.equal([grow(1), (exports['grow-in-a-sum'] as typeof grow)(99), refused.value], [2, 9, 1]);
});

growth('and only that, has something to remember', async () => {
  const { bytes } = rewriteModule('component.core.wasm', await wat('(module (memory 1) (func (loop)))'));
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  assert.not(WebAssembly.Module.exports(module).some(({ name }) => name === RESERVED_EXPORTS.refused));
});

growth.run();
