import { instantiateMetered } from '../../runtime/component/rewrite/metered-instance.ts';
import { rewriteModule } from '../../runtime/component/rewrite/rewrite-module.ts';
import type { SeededRandom } from '../support/random.ts';
import { wat } from '../support/wat.ts';

/** Instructions of one tick: what the program counts while it runs. */
const TICK_COST = 34;
const TICK = `${'nop '.repeat(TICK_COST - 4)} global.get $ticks i32.const 1 i32.add global.set $ticks`;

/**
 * A random program does the same when it is metered, and pays for every instruction that it executes: with one unit of fuel
 * less than its ticks took, it does not come to its end.
 */
export default async function meterPrograms(random: SeededRandom): Promise<void> {
  const module = await wat(program(random));
  const plain = new WebAssembly.Instance(new WebAssembly.Module(module)).exports as Exports;
  plain.f();
  const ticks = plain.ticks.value;
  const { bytes, traits } = rewriteModule('component.core.wasm', module);
  const metered = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  const rich = await run(metered, 10n ** 9n);
  if (!rich.finished || rich.ticks !== ticks) throw new Error(`expected ${ticks} ticks, got ${rich.ticks}`);
  // A program without loops and with few calls is left as it is.
  if (ticks === 0 || !traits.metered) return;
  const poor = await run(metered, BigInt(ticks * TICK_COST - 1));
  if (poor.finished) throw new Error(`${ticks} ticks were executed for less than ${TICK_COST} fuel each`);
}

interface Exports extends WebAssembly.Exports {
  readonly f: (() => void) & WebAssembly.ExportValue;
  readonly ticks: WebAssembly.Global;
}

async function run(module: WebAssembly.Module, fuel: bigint): Promise<{ finished: boolean; ticks: number }> {
  let given = false;
  const once = (): bigint => {
    if (given) return 0n;
    given = true;
    return fuel;
  };
  const { f, ticks } = (await instantiateMetered(module, {}, once)).exports as Exports;
  try {
    f();
    return { finished: true, ticks: ticks.value };
  } catch {
    return { finished: false, ticks: ticks.value };
  }
}

function program(random: SeededRandom): string {
  return `(module
    (global $ticks (export "ticks") (mut i32) (i32.const 0))
    (global $state (mut i32) (i32.const ${random.below(1_000_000)}))
    (global $rounds (mut i32) (i32.const 200))
    (func $coin (result i32)
      (global.set $state (i32.add (i32.mul (global.get $state) (i32.const 1103515245)) (i32.const 12345)))
      (i32.and (i32.shr_u (global.get $state) (i32.const 16)) (i32.const 3)))
    (func $more (result i32)
      (global.set $rounds (i32.sub (global.get $rounds) (i32.const 1)))
      (i32.gt_s (global.get $rounds) (i32.const 0)))
    (func (export "f") ${statements(random, 0, [])}))`;
}

/** `labels` are the open blocks that may be branched to. */
function statements(random: SeededRandom, depth: number, labels: readonly string[]): string {
  let text = '';
  for (let left = 1 + random.below(5); left > 0; left -= 1) text += ` ${statement(random, depth, labels)}`;
  return text;
}

function statement(random: SeededRandom, depth: number, labels: readonly string[]): string {
  const inner = (label?: string): string =>
    statements(random, depth + 1, label === undefined ? labels : [...labels, label]);
  const name = `$b${random.below(1_000_000_000)}`;
  const kind = depth > 5 ? 0 : random.below(9);
  switch (kind) {
    case 1:
      return `block ${name} ${inner(name)} end`;
    case 2:
      return `loop ${name} ${inner()} call $more br_if ${name} end`;
    case 3:
      return `call $coin if ${inner()} else ${inner()} end`;
    case 4:
      return `call $coin if ${inner()} end`;
    case 5:
      return labels.length === 0 ? TICK : `call $coin br_if ${random.pick(labels)}`;
    case 6:
      return labels.length === 0 ? TICK : `br ${random.pick(labels)}`;
    case 7:
      return labels.length === 0
        ? TICK
        : `call $coin br_table ${random.pick(labels)} ${random.pick(labels)} ${random.pick(labels)}`;
    case 8:
      return random.below(8) === 0 ? 'return' : TICK;
    default:
      return TICK;
  }
}
