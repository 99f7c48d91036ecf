import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Packr } from 'msgpackr';
import { CloudletUnderTest, median } from './cloudlet-under-test.ts';
import type { Benchmark } from './run.ts';

const DEADLINE_MS = 1000;
const RUNS = 7;
const NO_ARGUMENTS = new Uint8Array(new Packr({ useRecords: false }).pack([]));

/** How long after its deadline the caller of a loop is told, median milliseconds. */
async function lateness(host: CloudletUnderTest, name: string, target: string): Promise<number> {
  const late: number[] = [];
  for (let run = 0; run < RUNS + 1; run++) {
    const started = performance.now();
    await host.call(name, target, NO_ARGUMENTS, { status: 504, deadlineMs: DEADLINE_MS });
    // The first one also waits for its sandbox.
    if (run > 0) late.push(performance.now() - started - DEADLINE_MS);
  }
  return Number(median(late).toFixed(1));
}

const benchmark: Benchmark = {
  title: `an endless loop with a deadline of ${DEADLINE_MS} ms: how late its caller is told`,
  async run(say) {
    const scratch = await mkdtemp(join(tmpdir(), 'cloudlet-bench-'));
    const figures: Record<string, number> = {};
    let accelerator = 'none';
    try {
      for (const sandbox of ['process', 'microvm'] as const) {
        const host = await CloudletUnderTest.start(sandbox, join(scratch, sandbox), ['evil', 'spin-start']);
        try {
          if (sandbox === 'microvm') accelerator = host.accelerator;
          figures[`${sandbox}_export_late_ms`] = await lateness(host, 'evil', 'spin');
          figures[`${sandbox}_start_late_ms`] = await lateness(host, 'spin-start', 'run');
          say(
            `${sandbox}: in an export ${figures[`${sandbox}_export_late_ms`]} ms, in start ${figures[`${sandbox}_start_late_ms`]} ms`,
          );
        } finally {
          await host.stop();
        }
      }
      return {
        accelerator,
        figures,
        notes: [`Median of ${RUNS} calls one after the other, each answered with deadline-exceeded.`],
      };
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

export default benchmark;
