import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guest } from '../support/guest.ts';
import { bootTestMachine } from '../support/microvm-lab.ts';
import { CloudletUnderTest, median } from './cloudlet-under-test.ts';
import type { Benchmark } from './run.ts';
import { callOnce, DIVIDE, HELLO, StartLab, type TimedFunction } from './start-lab.ts';

const BOOTS = 5;
const CLONES = 21;
const PUBLISHES = 5;

/** The value below which `share` of them lie. */
function percentile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

async function series(runs: number, once: () => Promise<number>): Promise<number[]> {
  const times: number[] = [];
  // The first one reads files that the others find in memory.
  for (let run = 0; run < runs + 1; run += 1) {
    const ms = await once();
    if (run > 0) times.push(ms);
  }
  return times;
}

async function bootMs(): Promise<number> {
  const startedAt = performance.now();
  const machine = await bootTestMachine();
  const ms = performance.now() - startedAt;
  await machine.close();
  return ms;
}

/** From the wish for a sandbox to the first result, by a clone of the function's snapshot. */
async function functionCloneMs(lab: StartLab, fn: TimedFunction): Promise<number> {
  const startedAt = performance.now();
  const { sandbox, via } = await lab.start(fn);
  if (via !== 'function-clone') throw new Error(`expected a clone of the function's snapshot, got ${via}`);
  await callOnce(sandbox, fn);
  const ms = performance.now() - startedAt;
  await sandbox.close();
  return ms;
}

/** From the wish to the first result of a clone that was restored before, as the pool does it ahead of need, and stands still. */
async function prerestoredMs(lab: StartLab, fn: TimedFunction): Promise<number> {
  const { sandbox, warm } = await lab.start(fn);
  await warm?.(() => false);
  await sandbox.pause();
  const startedAt = performance.now();
  await sandbox.resume();
  await callOnce(sandbox, fn);
  const ms = performance.now() - startedAt;
  await sandbox.close();
  return ms;
}

/** From the answer to a publish to the result of a call that follows it at once, over HTTP. */
async function firstCallMs(host: CloudletUnderTest): Promise<number> {
  await host.publish('typed');
  const startedAt = performance.now();
  await host.call('typed', 'shapes.divide', Uint8Array.of(0x92, 6, 3));
  const ms = performance.now() - startedAt;
  await host.remove('typed');
  return ms;
}

const benchmark: Benchmark = {
  title: 'how a sandbox is had: by a boot, a clone, or one that stands still',
  async run(say) {
    const scratch = await mkdtemp(join(tmpdir(), 'cloudlet-bench-'));
    const lab = await StartLab.open(join(scratch, 'snapshots'));
    await guest('typed');
    try {
      const boots = await series(BOOTS, bootMs);
      say(`${BOOTS} boots: ${boots.map(Math.round).join(' ')} ms`);
      // By turns: what else the computer does is then in both.
      const floors: number[] = [];
      const golden = await series(CLONES, async () => {
        floors.push(await lab.qemuFloorMs());
        return lab.goldenCloneMs();
      });
      floors.shift();
      say(`golden clones: ${golden.map(Math.round).join(' ')} ms; QEMU alone ${Math.round(median(floors))} ms`);
      const figures: Record<string, number> = {};
      for (const [name, fn] of [
        ['', DIVIDE],
        ['quickjs_', HELLO],
      ] as const) {
        await lab.prepare(fn);
        const clones = await series(CLONES, () => functionCloneMs(lab, fn));
        const restored = await series(CLONES, () => prerestoredMs(lab, fn));
        say(`${name || 'c_'}function clones: ${clones.map(Math.round).join(' ')} ms`);
        figures[`${name}function_clone_ms_p50`] = round(median(clones));
        figures[`${name}function_clone_ms_p99`] = round(percentile(clones, 0.99));
        figures[`${name}prerestored_ms_p50`] = round(median(restored));
      }
      const host = await CloudletUnderTest.start('microvm', join(scratch, 'data'), ['typed']);
      try {
        await host.remove('typed');
        const calls = await series(PUBLISHES, () => firstCallMs(host));
        const floor = median(floors);
        return {
          accelerator: lab.shape.accelerator.kind,
          figures: {
            boot_ms: round(median(boots)),
            qemu_floor_ms: round(floor),
            golden_clone_ms_p50: round(median(golden)),
            ...figures,
            first_call_after_publish_ms: round(median(calls)),
            clone_over_floor: round(median(golden) / floor),
          },
          notes: [
            'The floor is QEMU as it comes, unconfined, with the arguments and files of a golden clone, until it answers on its control connection: nothing restored, no guest run.',
            'A golden clone ends with the answer of its agent, after its kernel took a new identity; a function clone with the first result.',
            `Medians of ${CLONES} (boots and publishes: ${BOOTS}), one after the other; with ${CLONES} runs, p99 is the slowest.`,
          ],
        };
      } finally {
        await host.stop();
      }
    } finally {
      await lab.close();
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

function round(figure: number): number {
  return Number(figure.toFixed(1));
}

export default benchmark;
