import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asCloudletError, type FunctionName, parseName } from '../../guest-sdk/protocol/index.ts';
import { Cloudlet } from '../../runtime/index.ts';
import { bodyOf, guestBytes } from '../support/cloudlet-lab.ts';
import { TEST_CACHE } from '../support/microvm-lab.ts';
import { SeededRandom } from '../support/random.ts';
import { notBefore, openDescriptors } from './left-behind.ts';
import type { Benchmark } from './run.ts';
import { SoakDisk } from './soak-disk.ts';
import { childProcesses, FAULTS, type Fault, strike, strikeAny } from './soak-faults.ts';
import { growthMib, type Held, held } from './soak-growth.ts';

const FUNCTIONS = 6;
const CALLERS = 12;
const SEED = 20261125;
/** One fault for so many calls, on average; and where one kind was asked for alone. */
const CALLS_PER_FAULT = 500;
const CALLS_PER_FAULT_ALONE = 25;
/** Whoever calls a stopped agent waits so long: of 200,000 calls, 130 such waits are most of the time. */
const DEADLINE_MS = { process: 3_000, microvm: 10_000 };
/** A call that has not ended by then is lost: on a busy computer it may wait 120 s for a sandbox, twice where its first is lost. */
const LOST_MS = 300_000;
const DISK_MIB = 64;
const CALLS = { process: 20_000, microvm: 1_000 };
/** How often its memory is measured on the way. */
const SAMPLES = 40;

/** Codes that say clearly why there is no answer, when sandboxes are killed and stopped. */
const CLEAR = new Set(['machine-failed', 'at-capacity', 'starting', 'deadline-exceeded', 'storage-full']);

interface Outcome {
  right: number;
  refused: number;
  wrong: number;
  lost: number;
  faults: number;
  slowestMs: number;
}

async function oneCall(
  cloudlet: Cloudlet,
  name: FunctionName,
  random: SeededRandom,
  outcome: Outcome,
  deadlineMs: number,
): Promise<void> {
  const [a, b] = [random.below(1000), random.below(1000)];
  const formats = { argumentFormat: 'json', resultFormat: 'json' } as const;
  const options = { ...formats, deadlineMs, idempotent: random.below(2) === 0 };
  const beganAt = performance.now();
  const late = Promise.withResolvers<'lost'>();
  const timer = setTimeout(() => late.resolve('lost'), LOST_MS);
  try {
    const answer = await Promise.race([cloudlet.call(name, 'add', [a, b], options), late.promise]);
    if (answer === 'lost') outcome.lost += 1;
    else if (answer.value === a + b) outcome.right += 1;
    else outcome.wrong += 1;
  } catch (error) {
    if (CLEAR.has(asCloudletError(error).code)) outcome.refused += 1;
    else throw error;
  } finally {
    clearTimeout(timer);
    outcome.slowestMs = Math.max(outcome.slowestMs, Math.round(performance.now() - beganAt));
  }
}

/** Fills the disk, publishes into it, and gives the space back. */
async function fillDisk(cloudlet: Cloudlet, disk: string, name: FunctionName, bytes: Uint8Array): Promise<void> {
  const filler = join(disk, 'filler');
  try {
    writeFileSync(filler, Buffer.alloc(DISK_MIB * 2 ** 20));
  } catch {
    // It is full now.
  }
  try {
    await cloudlet.publish(name, bodyOf(bytes));
  } catch (error) {
    if (!CLEAR.has(asCloudletError(error).code)) throw error;
  } finally {
    // Another fault may have filled the disk at the same time, and given it back.
    rmSync(filler, { force: true });
  }
}

interface Soak {
  readonly sandbox: 'process' | 'microvm';
  readonly calls: number;
  /** All kinds when left out. */
  readonly fault?: Fault | undefined;
}

async function soak(asked: Soak, say: (line: string) => void) {
  const disk = new SoakDisk(DISK_MIB);
  try {
    return await soakOn(disk, asked, say);
  } finally {
    disk.remove();
  }
}

async function soakOn(disk: SoakDisk, { sandbox, calls, fault }: Soak, say: (line: string) => void) {
  const random = new SeededRandom(SEED);
  const deadlineMs = DEADLINE_MS[sandbox];
  const outcome: Outcome = { right: 0, refused: 0, wrong: 0, lost: 0, faults: 0, slowestMs: 0 };
  const names = Array.from({ length: FUNCTIONS }, (_, at) => parseName(`f${at}`));
  const bytes = await guestBytes('typed');
  const samples: Held[] = [];
  const options = { dataDir: join(disk.path, 'data'), cacheDir: TEST_CACHE, sandbox, accel: 'auto' } as const;
  // Once before: some files are opened by the first machine and stay open as long as the process.
  const first = await Cloudlet.open(options);
  await first.publish(names[0]!, bodyOf(bytes));
  await oneCall(first, names[0]!, random, { ...outcome }, deadlineMs);
  await first.close();
  const before = { descriptors: openDescriptors(), children: childProcesses() };
  const cloudlet = await Cloudlet.open(options);
  const accelerator = (await cloudlet.status()).accelerator.kind;
  try {
    for (const name of names) await cloudlet.publish(name, bodyOf(bytes));
    let begun = 0;
    const caller = async (): Promise<void> => {
      while (begun < calls) {
        begun += 1;
        if (begun % Math.ceil(calls / SAMPLES) === 0) {
          const sample = held(begun);
          samples.push(sample);
          say(`${sandbox}: ${begun} of ${calls} calls, ${JSON.stringify(outcome)}, ${describe(sample)}`);
        }
        if (random.below(fault === undefined ? CALLS_PER_FAULT : CALLS_PER_FAULT_ALONE) === 0) {
          outcome.faults += 1;
          const victims = cloudlet.sandboxes();
          const kind = fault ?? random.pick(FAULTS);
          if (kind === 'full-disk') {
            if (disk.isMounted) await fillDisk(cloudlet, disk.path, names[0]!, bytes);
          } else if (kind === 'kill-any') strikeAny((pids) => random.pick(pids), before.children);
          else if (victims.length > 0) strike(kind, random.pick(victims), 2 * deadlineMs);
        }
        await oneCall(cloudlet, random.pick(names), random, outcome, deadlineMs);
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
  } finally {
    await cloudlet.close();
  }
  const after = { descriptors: openDescriptors(), children: childProcesses() };
  return {
    accelerator,
    left: [...notBefore(before.descriptors, after.descriptors), ...notBefore(before.children, after.children)],
    figures: {
      [`${sandbox}_calls`]: calls,
      [`${sandbox}_faults`]: outcome.faults,
      [`${sandbox}_right`]: outcome.right,
      [`${sandbox}_clear_errors`]: outcome.refused,
      [`${sandbox}_wrong`]: outcome.wrong,
      [`${sandbox}_lost`]: outcome.lost,
      [`${sandbox}_slowest_ms`]: outcome.slowestMs,
      [`${sandbox}_leaked_descriptors`]: after.descriptors.size - before.descriptors.size,
      [`${sandbox}_leaked_processes`]: after.children.size - before.children.size,
      [`${sandbox}_rss_mib_grown`]: rounded(growthMib(samples, 'rss')),
      [`${sandbox}_rss_mib_per_100k_calls`]: rounded(per100k(growthMib(samples, 'rss'), calls)),
      [`${sandbox}_heap_mib_per_100k_calls`]: rounded(per100k(growthMib(samples, 'heap'), calls)),
    },
  };
}

function describe({ rss, heap }: Held): string {
  return `${Math.round(rss / 2 ** 20)} MiB in memory, ${(heap / 2 ** 20).toFixed(1)} of them objects and buffers`;
}

/** Of what grew over the second half of the calls. */
function per100k(grown: number | null, calls: number): number | null {
  return grown === null ? null : (grown * 1e5) / (calls / 2);
}

function rounded(figure: number | null): number | null {
  return figure === null ? null : Number(figure.toFixed(2));
}

const benchmark: Benchmark = {
  title: `calls over ${FUNCTIONS} functions with random faults (--calls N: so many in each kind of sandbox; --sandbox KIND; --fault kill|stop|kill-any|full-disk: that kind alone, more often)`,
  asHost: true,
  async run(say, { calls, sandbox, fault }) {
    const runs = [];
    for (const kind of sandbox === undefined ? (['process', 'microvm'] as const) : [sandbox]) {
      runs.push(await soak({ sandbox: kind, calls: calls ?? CALLS[kind], fault }, say));
    }
    return {
      accelerator: sandbox === 'process' ? 'none' : runs.at(-1)!.accelerator,
      figures: Object.assign({}, ...runs.map(({ figures }) => figures)),
      notes: [
        `Seed ${SEED}; ${CALLERS} callers at once; faults: a sandbox is killed, a sandbox is stopped, any process below the host is killed, the disk is filled while a version is published.`,
        'Memory is that of the host, after a collection, from the lowest in the third quarter of the calls to the lowest in the last; a short run makes much of little: what it grew by is a few tenths of a MiB for the engine alone.',
        `Descriptors and processes that were not there before: ${runs.flatMap(({ left }) => left).join(', ') || 'none'}.`,
        'Right: the sum that was asked for. Clear error: a code that says why there is none. Anything else would be wrong, lost, or end the run.',
      ],
    };
  },
};

export default benchmark;
