import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { rewriteModule } from '../../runtime/component/rewrite/rewrite-module.ts';
import type { SeededRandom } from '../support/random.ts';
import { wat } from '../support/wat.ts';

const SEED = wat(`(module (type $t (func (param i32) (result i32)))
  (import "a" "b" (func $b (param i32))) (memory 1) (table 4 8 funcref) (global $g (mut i32) (i32.const 3))
  (elem $e func $f) (data "abc")
  (func $f (type $t) (local i64 f32 f64 v128)
    (block $x (loop $l (br_table $x $l (local.get 0))) (memory.fill (i32.const 0) (i32.const 1) (local.get 0)))
    (if (result i32) (local.get 0) (then (call_indirect (type $t) (i32.const 1) (i32.const 0))) (else (i32.const 1))))
  (func (export "s") (call $b (i32.const 1)) (table.init $e (i32.const 0) (i32.const 0) (i32.const 1)) (drop (memory.grow (i32.const 1))))
  (start 2))`);

/** Whatever the bytes are, the rewriter gives a module that V8 accepts or a refusal. */
export default async function rewriteAnything(random: SeededRandom): Promise<void> {
  const bytes = random.mutate(await SEED);
  try {
    const { bytes: rewritten } = rewriteModule('component.core.wasm', bytes);
    if (!WebAssembly.validate(rewritten as Uint8Array<ArrayBuffer>))
      throw new Error('the rewritten module is not valid');
  } catch (error) {
    if (!(error instanceof CloudletError) || error.code !== 'component-refused') throw error;
  }
}
