import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox } from '../../runtime/sandbox/index.ts';
import { median } from './cloudlet-under-test.ts';
import { machineMemory, processorMs } from './machine-memory.ts';
import type { Benchmark } from './run.ts';
import { callOnce, DIVIDE, StartLab, type TimedFunction, timed } from './start-lab.ts';

const FUNCTIONS = 10;
const CLONES_EACH = 10;
const RUNNING = 10;
const IDLE_MS = 20_000;

/** Processor time of all machines while nobody calls, percent of one processor. */
async function idlePercent(sandboxes: readonly Sandbox[]): Promise<number> {
  const all = async () => {
    const times = await Promise.all(sandboxes.map(({ pid }) => processorMs(pid)));
    return times.reduce((sum, ms) => sum + ms, 0);
  };
  const before = await all();
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  return ((await all()) - before) / (IDLE_MS / 100);
}

const mib = (bytes: number) => Number((bytes / 2 ** 20).toFixed(1));

const benchmark: Benchmark = {
  title: `${FUNCTIONS * CLONES_EACH} clones of ${FUNCTIONS} functions: memory of each, processor time of all`,
  async run(say) {
    const scratch = await mkdtemp(join(tmpdir(), 'cloudlet-bench-'));
    const lab = await StartLab.open(join(scratch, 'snapshots'));
    const sandboxes: Sandbox[] = [];
    try {
      const functions: TimedFunction[] = Array.from({ length: FUNCTIONS }, (_, copy) =>
        timed('typed', DIVIDE.request, DIVIDE.input, copy),
      );
      for (const fn of functions) await lab.prepare(fn);
      say(`${FUNCTIONS} snapshots`);
      for (const fn of functions) {
        for (let clone = 0; clone < CLONES_EACH; clone += 1) {
          const { sandbox, via } = await lab.start(fn);
          sandboxes.push(sandbox);
          if (via !== 'function-clone') throw new Error(`expected a clone of the function's snapshot, got ${via}`);
          // Each has served: what it touched for that is part of what it costs.
          await callOnce(sandbox, fn);
          await sandbox.pause();
        }
      }
      say(`${sandboxes.length} clones, each has answered one call and stands still`);
      const memoryBytes = lab.shape.memoryMib * 2 ** 20;
      const memories = await Promise.all(sandboxes.map(({ pid }) => machineMemory(pid, memoryBytes)));
      const middle = (of: (memory: (typeof memories)[number]) => number) => mib(median(memories.map(of)));
      const paused = await idlePercent(sandboxes);
      const running = sandboxes.slice(0, RUNNING);
      for (const sandbox of running) await sandbox.resume();
      const withRunning = await idlePercent(sandboxes);
      return {
        accelerator: lab.shape.accelerator.kind,
        figures: {
          clones: sandboxes.length,
          pss_mib_per_clone: middle(({ pssBytes }) => pssBytes),
          private_mib_per_clone: middle(({ privateBytes }) => privateBytes),
          private_guest_mib: middle(({ guestBytes }) => guestBytes),
          private_translated_mib: middle(({ translatedBytes }) => translatedBytes),
          private_qemu_mib: middle(({ ownBytes }) => ownBytes),
          idle_cpu_percent_total: Number(paused.toFixed(2)),
          idle_cpu_percent_with_10_running: Number(withRunning.toFixed(2)),
        },
        notes: [
          'Medians of all clones; each function has a snapshot of its own, which its clones map read-only and share.',
          `Processor time in percent of one processor, over ${IDLE_MS / 1000} s without a call.`,
        ],
      };
    } finally {
      await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
      await lab.close();
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

export default benchmark;
