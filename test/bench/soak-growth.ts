import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What a process held when so many calls were behind it, bytes. */
export interface Held {
  readonly calls: number;
  /** All pages that it has in memory. */
  readonly rss: number;
  /** What its objects and buffers take: the part of a leak that no allocator blurs. */
  readonly heap: number;
}

let gc: ((options: { type: 'major'; flavor: 'last-resort' }) => void) | null = null;

/** What this process holds after its garbage was collected, with the pages that V8 can do without given back. */
export function held(calls: number): Held {
  if (gc === null) {
    setFlagsFromString('--expose-gc');
    gc = runInNewContext('gc') as NonNullable<typeof gc>;
  }
  gc({ type: 'major', flavor: 'last-resort' });
  const { rss, heapUsed, external } = process.memoryUsage();
  return { calls, rss, heap: heapUsed + external };
}

/**
 * MiB by which it grew over the second half of the calls, by least squares: in the first, caches fill, code is compiled and allocators
 * find their size. Null for fewer than three samples there: a line goes through any two. Pure.
 */
export function growthMib(samples: readonly Held[], of: 'rss' | 'heap'): number | null {
  const last = samples.at(-1)?.calls ?? 0;
  const half = samples.filter(({ calls }) => calls >= last / 2);
  if (half.length < 3) return null;
  const mean = (read: (sample: Held) => number) => half.reduce((sum, sample) => sum + read(sample), 0) / half.length;
  const [x, y] = [mean(({ calls }) => calls), mean((sample) => sample[of])];
  const above = half.reduce((sum, sample) => sum + (sample.calls - x) * (sample[of] - y), 0);
  const below = half.reduce((sum, { calls }) => sum + (calls - x) ** 2, 0);
  return ((above / below) * (last / 2)) / 2 ** 20;
}
