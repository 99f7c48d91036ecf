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
 * MiB by which it grew over the second half of the calls: from the lowest of the third quarter to the lowest of the last. In the first half, caches
 * fill, code is compiled and allocators find their size. Of the others the lowest count, since the C library gives back what is free at the end
 * of its heap when it comes to that: in 200,000 calls that neither leaked nor lost anything it kept up to 8 MiB of those, for up to 60,000 calls.
 * Null for fewer than two samples in either. Pure.
 */
export function growthMib(samples: readonly Held[], of: 'rss' | 'heap'): number | null {
  const last = samples.at(-1)?.calls ?? 0;
  const third = samples.filter(({ calls }) => calls > last / 2 && calls <= (last * 3) / 4);
  const fourth = samples.filter(({ calls }) => calls > (last * 3) / 4);
  if (third.length < 2 || fourth.length < 2) return null;
  const lowest = (quarter: readonly Held[]) => Math.min(...quarter.map((sample) => sample[of]));
  const middle = (quarter: readonly Held[]) => quarter.reduce((sum, { calls }) => sum + calls, 0) / quarter.length;
  const perCall = (lowest(fourth) - lowest(third)) / (middle(fourth) - middle(third));
  return (perCall * (last / 2)) / 2 ** 20;
}
