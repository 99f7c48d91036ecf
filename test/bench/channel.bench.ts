import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
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
/** A machine's optimizers rest for its first hundred invocations, and are busy with what they find for as many more. */
const WARM = 120;
const PINGS = 200;
const MIB = 1024 * 1024;
/** Between two commands, milliseconds: what one leaves behind to be put away is none of the next one's. */
const REST_MS = 25;
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
      await rest(REST_MS);
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

/** A command that neither reads nor writes anything to speak of, one that reads 1 MiB, and one that writes it. */
const COMMANDS: readonly Command[] = [
  { words: ['fill', '1'], input: NOTHING },
  { words: ['discard'], input: new Uint8Array(MIB) },
  { words: ['fill', String(MIB)], input: NOTHING },
];

/** What 1 MiB in and out takes in a clone of `guest`, beside the command itself. */
async function megabyte(lab: StartLab, guest: string) {
  const { sandbox } = await lab.start(timed(guest, { door: 'run', arguments: [] }, NOTHING));
  try {
    const [idle, reads, writes] = await commandsMs(sandbox, COMMANDS);
    return {
      command: idle!,
      in: { ms: reads!.ms - idle!.ms, cpuMs: reads!.cpuMs - idle!.cpuMs },
      out: { ms: writes!.ms - idle!.ms, cpuMs: writes!.cpuMs - idle!.cpuMs },
    };
  } finally {
    await sandbox.close();
  }
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
      const plain = await megabyte(lab, 'cat-core');
      say(
        `1 MiB: in ${figure(plain.in.ms)} ms, out ${figure(plain.out.ms)} ms; a command ${figure(plain.command.ms)} ms`,
      );
      const adapted = await megabyte(lab, 'cat');
      say(`out of a component that writes 4 KiB at a time: ${figure(adapted.out.ms)} ms`);
      return {
        accelerator: lab.shape.accelerator.kind,
        figures: {
          round_trip_us: Math.round(median(pings)),
          command_ms: figure(plain.command.ms),
          in_1m_ms: figure(plain.in.ms),
          out_1m_ms: figure(plain.out.ms),
          command_cpu_ms: figure(plain.command.cpuMs),
          in_1m_cpu_ms: figure(plain.in.cpuMs),
          out_1m_cpu_ms: figure(plain.out.cpuMs),
          adapted_command_ms: figure(adapted.command.ms),
          adapted_in_1m_ms: figure(adapted.in.ms),
          adapted_out_1m_ms: figure(adapted.out.ms),
          adapted_in_1m_cpu_ms: figure(adapted.in.cpuMs),
          adapted_out_1m_cpu_ms: figure(adapted.out.cpuMs),
        },
        notes: [
          `A round trip is that of a ping, the median of ${PINGS} on each of ${CLONES} clones.`,
          `In and out: how much longer a command of WASI 0.1 in C takes that reads, or writes, 1 MiB by one call, medians of ${RUNS} in turns.`,
          'Adapted: the same command as a component, whose adapter writes 4 KiB at a time, 256 calls to the host; and whose instance is another each time.',
          '"cpu" is the processor time of its machine, whatever else the computer does meanwhile.',
        ],
      };
    } finally {
      await lab.close();
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

export default benchmark;
