import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { QemuMachine } from '../../runtime/machine/index.ts';
import { Channel } from '../../runtime/sandbox/channel/channel.ts';
import type { Sandbox } from '../../runtime/sandbox/index.ts';
import { finish } from '../support/sandbox-lab.ts';
import { median } from './cloudlet-under-test.ts';
import type { Benchmark } from './run.ts';
import { StartLab, timed } from './start-lab.ts';

const CLONES = 5;
const RUNS = 41;
const WARM = 10;
const PINGS = 200;
const MIB = 1024 * 1024;
const NOTHING = new Uint8Array(0);

async function pingUs(machine: QemuMachine): Promise<number> {
  const channel = new Channel(machine);
  const times: number[] = [];
  for (let ping = 0; ping < PINGS; ping += 1) {
    const startedAt = performance.now();
    await channel.ping();
    times.push((performance.now() - startedAt) * 1000);
  }
  await machine.close();
  return median(times);
}

/** How long each of some commands takes, milliseconds, in turns, once they are warm. */
async function commandsMs(sandbox: Sandbox, commands: readonly Command[]): Promise<number[]> {
  const times = commands.map((): number[] => []);
  for (let run = 0; run < RUNS + WARM; run += 1) {
    for (const [at, { words, input }] of commands.entries()) {
      const startedAt = performance.now();
      await finish(sandbox.invoke({ door: 'run', arguments: words }, input, { deadlineMs: 30_000, log: () => {} }));
      if (run >= WARM) times[at]!.push(performance.now() - startedAt);
    }
  }
  return times.map(median);
}

interface Command {
  readonly words: readonly string[];
  readonly input: Uint8Array;
}

const figure = (value: number) => Number(value.toFixed(2));

const benchmark: Benchmark = {
  title: 'the way between the host and the agent in a microVM',
  async run(say) {
    const scratch = await mkdtemp(join(tmpdir(), 'cloudlet-bench-'));
    const lab = await StartLab.open(join(scratch, 'snapshots'));
    try {
      const pings: number[] = [];
      for (let run = 0; run < CLONES; run += 1) pings.push(await pingUs(await lab.goldenClone()));
      const { sandbox } = await lab.start(timed('cat', { door: 'run', arguments: [] }, NOTHING));
      const [idle, reads, writes] = await commandsMs(sandbox, [
        { words: ['fill', '1'], input: NOTHING },
        { words: ['discard'], input: new Uint8Array(MIB) },
        { words: ['fill', String(MIB)], input: NOTHING },
      ]);
      say(
        `a command ${figure(idle!)} ms, one that reads 1 MiB ${figure(reads!)} ms, one that writes it ${figure(writes!)} ms`,
      );
      await sandbox.close();
      return {
        accelerator: lab.shape.accelerator.kind,
        figures: {
          round_trip_us: Math.round(median(pings)),
          command_ms: figure(idle!),
          in_1m_ms: figure(reads! - idle!),
          out_1m_ms: figure(writes! - idle!),
        },
        notes: [
          `A round trip is that of a ping, the median of ${PINGS} on each of ${CLONES} clones.`,
          `In and out: how much longer a command in C takes that reads, or writes, 1 MiB, medians of ${RUNS} in turns; its own copies of the bytes count too.`,
        ],
      };
    } finally {
      await lab.close();
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

export default benchmark;
