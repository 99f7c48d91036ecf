import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { inspectComponent } from '../../runtime/component/index.ts';
import type { SeededRandom } from '../support/random.ts';
import { wat } from '../support/wat.ts';

/** A component with something of everything that the inspector follows. */
const SEED = wat(`(component
  (type $color (enum "red" "green"))
  (import "wasi:clocks/wall-clock@0.2.3" (instance
    (type $t (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $d (eq $t)))
    (export "now" (func (result $d)))))
  (type $r (resource (rep i32)))
  (core module $m (memory (export "m") 1)
    (func (export "f") (param i32) (result i32) local.get 0)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 0))
  (core instance $i (instantiate $m))
  (export $c "color" (type $color))
  (type $v (variant (case "a" (tuple u8 $c)) (case "b" (option string)) (case "c")))
  (type $list (list $v))
  (func $f (param "c" $c) (result $c) (canon lift (core func $i "f")))
  (component $shim
    (alias outer 1 $c (type $outer))
    (import "import-type-blob" (type $r (sub resource)))
    (import "f" (func $f (param "c" $outer) (result $outer)))
    (type $flags (flags "x" "y"))
    (export "flags" (type $flags))
    (export "blob" (type $r))
    (export "f" (func $f) (func (param "c" $outer) (result $outer))))
  (instance $s (instantiate $shim (with "import-type-blob" (type $r)) (with "f" (func $f))))
  (export "run" (func $f))
  (export "a:b/c@1.0.0" (instance $s)))`);

/** Whatever the bytes are, the inspector gives what they say or a refusal, and does so at once. */
export default async function inspectAnything(random: SeededRandom): Promise<void> {
  const bytes = random.mutate(await SEED);
  const before = process.threadCpuUsage();
  try {
    inspectComponent(bytes);
  } catch (error) {
    if (!(error instanceof CloudletError) || error.code !== 'component-refused') throw error;
  }
  const { user, system } = process.threadCpuUsage(before);
  if (user + system > 2e6) throw new Error('the inspector took more than two seconds of a processor');
}
