import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SandboxPool } from '../../runtime/sandbox/index.ts';
import { median } from './cloudlet-under-test.ts';
import type { Benchmark } from './run.ts';
import { callOnce, DIVIDE, StartLab, type TimedFunction, timed } from './start-lab.ts';

const FUNCTIONS = 20;
const STORMS = 5;
const CLONES = 9;

/** One call of each function at once, none of which has a sandbox; sorted milliseconds. */
async function storm(lab: StartLab, functions: readonly TimedFunction[]): Promise<number[]> {
  const pool = new SandboxPool({ source: lab.ladder, machines: FUNCTIONS });
  try {
    const times = functions.map(async ({ version, request, input }) => {
      const startedAt = performance.now();
      const invocation = await pool.invoke(version, request, input, { deadlineMs: 30_000 });
      for await (const _ of invocation.output) {
        // Taken to its end.
      }
      await invocation.done;
      if (invocation.timing.start !== 'function-clone') {
        throw new Error(`expected a clone of the function's snapshot, got ${invocation.timing.start}`);
      }
      return performance.now() - startedAt;
    });
    return (await Promise.all(times)).sort((a, b) => a - b);
  } finally {
    await pool.close();
  }
}

async function cloneMs(lab: StartLab, fn: TimedFunction): Promise<number> {
  const startedAt = performance.now();
  const { sandbox } = await lab.start(fn);
  await callOnce(sandbox, fn);
  const ms = performance.now() - startedAt;
  await sandbox.close();
  return ms;
}

const benchmark: Benchmark = {
  title: `${FUNCTIONS} functions without a sandbox, one call of each at once`,
  async run(say) {
    const scratch = await mkdtemp(join(tmpdir(), 'cloudlet-bench-'));
    const lab = await StartLab.open(join(scratch, 'snapshots'));
    try {
      const functions = Array.from({ length: FUNCTIONS }, (_, copy) =>
        timed('typed', DIVIDE.request, DIVIDE.input, copy),
      );
      for (const fn of functions) await lab.prepare(fn);
      const alone: number[] = [];
      for (let run = 0; run < CLONES; run += 1) alone.push(await cloneMs(lab, functions[run % FUNCTIONS]!));
      const slowest: number[] = [];
      const middle: number[] = [];
      for (let run = 0; run < STORMS; run += 1) {
        const times = await storm(lab, functions);
        say(`storm ${run + 1}: ${times.map(Math.round).join(' ')} ms`);
        slowest.push(times.at(-1)!);
        middle.push(median(times));
      }
      const clone = median(alone);
      return {
        accelerator: lab.shape.accelerator.kind,
        figures: {
          answered: FUNCTIONS * STORMS,
          function_clone_ms_p50: Math.round(clone),
          storm_p50_ms: Math.round(median(middle)),
          storm_p99_ms: Math.round(median(slowest)),
          storm_over_clone: Number((median(slowest) / clone).toFixed(1)),
        },
        notes: [
          `Medians of ${STORMS} storms; with ${FUNCTIONS} calls, p99 is the slowest. A failed call would end the benchmark.`,
          'As many sandboxes are started at once as the computer has processors.',
        ],
      };
    } finally {
      await lab.close();
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

export default benchmark;
