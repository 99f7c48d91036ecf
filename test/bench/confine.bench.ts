import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { findHardening } from '../../runtime/machine/confinement/hardening.ts';
import { MEASURING_ARGS } from '../../runtime/machine/qemu-args.ts';
import { startQemu } from '../../runtime/machine/qemu-process.ts';
import { median } from './cloudlet-under-test.ts';
import type { Benchmark } from './run.ts';

const PAIRS = 40;
/** Started together, to see what the kernel does one after the other. */
const AT_ONCE = 10;

/** A guest that does not run; QEMU greets on descriptor 3 when all of it is there. */
const ARGS = [
  ...['-accel', 'tcg', ...MEASURING_ARGS, '-S'],
  ...['-chardev', 'socket,id=qmp,fd=3', '-mon', 'chardev=qmp,mode=control'],
];
type Start = () => Promise<number>;

const benchmark: Benchmark = {
  title: 'what confining a QEMU costs: from its spawn to its greeting, with and without',
  async run(say) {
    const { qemu } = await findHardening('qemu-system-x86_64');
    const plain: Start = () =>
      greeting(() => Promise.resolve(spawn(qemu, ARGS, { env: {}, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })));
    const confined: Start = () =>
      greeting(() =>
        startQemu({ qemu, accelerator: 'tcg', args: ARGS, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] }),
      );
    const alone = await inPairs(plain, confined, PAIRS);
    say(`${PAIRS} pairs, one after the other`);
    const crowd = (start: Start) => async () => median(await Promise.all(Array.from({ length: AT_ONCE }, start)));
    const together = await inPairs(crowd(plain), crowd(confined), PAIRS / AT_ONCE);
    say(`${PAIRS / AT_ONCE} pairs of ${AT_ONCE} at once`);
    const figures = {
      plain_ms: round(median(alone.plain)),
      confined_ms: round(median(alone.confined)),
      cost_ms: round(median(alone.confined.map((ms, pair) => ms - alone.plain[pair]!))),
      plain_10_at_once_ms: round(median(together.plain)),
      confined_10_at_once_ms: round(median(together.confined)),
    };
    return { accelerator: 'tcg', figures, notes: ['The cost is the median of the differences of neighbours.'] };
  },
};

/** Milliseconds of both by turns, after one of each that reads the disk. */
async function inPairs(plain: Start, confined: Start, pairs: number) {
  const times = { plain: [] as number[], confined: [] as number[] };
  await plain();
  await confined();
  for (let pair = 0; pair < pairs; pair++) {
    times.plain.push(await plain());
    times.confined.push(await confined());
  }
  return times;
}

async function greeting(start: () => Promise<ReturnType<typeof spawn>>): Promise<number> {
  const startedAt = performance.now();
  const child = await start();
  await once(child.stdio[3] as Readable, 'data');
  const ms = performance.now() - startedAt;
  child.kill('SIGTERM');
  await once(child, 'close');
  return ms;
}

const round = (ms: number) => Math.round(ms * 10) / 10;

export default benchmark;
