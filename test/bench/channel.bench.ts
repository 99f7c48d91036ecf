import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { QemuMachine } from '../../runtime/machine/index.ts';
import { Channel } from '../../runtime/sandbox/channel/channel.ts';
import type { Sandbox } from '../../runtime/sandbox/index.ts';
import { finish } from '../support/sandbox-lab.ts';
import { median } from './cloudlet-under-test.ts';
import { processorNs } from './processor-use.ts';
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

/** How long each of some commands takes, and for how long its machine computes, milliseconds, in turns, once they are warm. */
async function commandsMs(sandbox: Sandbox, commands: readonly Command[]): Promise<{ ms: number; cpuMs: number }[]> {
  const times = commands.map((): number[] => []);
  const cpuTimes = commands.map((): number[] => []);
  for (let run = 0; run < RUNS + WARM; run += 1) {
    for (const [at, { words, input }] of commands.entries()) {
      const startedAt = performance.now();
      const usedNs = processorNs(sandbox.pid).own;
      await finish(sandbox.invoke({ door: 'run', arguments: words }, input, { deadlineMs: 30_000, log: () => {} }));
      if (run < WARM) continue;
      times[at]!.push(performance.now() - startedAt);
      cpuTimes[at]!.push((processorNs(sandbox.pid).own - usedNs) / 1e6);
    }
  }
  return times.map((each, at) => ({ ms: median(each), cpuMs: median(cpuTimes[at]!) }));
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
        `a command ${figure(idle!.ms)} ms, one that reads 1 MiB ${figure(reads!.ms)} ms, one that writes it ${figure(writes!.ms)} ms`,
      );
      await sandbox.close();
      return {
        accelerator: lab.shape.accelerator.kind,
        figures: {
          round_trip_us: Math.round(median(pings)),
          command_ms: figure(idle!.ms),
          in_1m_ms: figure(reads!.ms - idle!.ms),
          out_1m_ms: figure(writes!.ms - idle!.ms),
          command_cpu_ms: figure(idle!.cpuMs),
          in_1m_cpu_ms: figure(reads!.cpuMs - idle!.cpuMs),
          out_1m_cpu_ms: figure(writes!.cpuMs - idle!.cpuMs),
        },
        notes: [
          `A round trip is that of a ping, the median of ${PINGS} on each of ${CLONES} clones.`,
          `In and out: how much longer a command in C takes that reads, or writes, 1 MiB, medians of ${RUNS} in turns; its own copies of the bytes count too.`,
          'The same of the processor time of its machine, whatever else the computer does meanwhile.',
        ],
      };
    } finally {
      await lab.close();
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

export default benchmark;
