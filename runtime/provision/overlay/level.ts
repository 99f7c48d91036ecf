import { promisify } from 'node:util';
import { zstdCompress as compressAsync, constants as zlib } from 'node:zlib';

const zstdCompress = promisify(compressAsync);

/** What a level of zstd made of a sample. */
export interface MeasuredLevel {
  readonly level: number;
  /** Bytes that it came to, of each byte that went in. */
  readonly ratio: number;
  /** Bytes that went in, each second. */
  readonly bytesPerS: number;
}

/** Levels that are worth measuring: between two of them neither speed nor size changes much. */
export const LEVELS = [1, 3, 6, 9, 12, 15, 19] as const;

/**
 * The level by which bytes are at the other end the soonest, when they are compressed while they are sent: the slower of the two counts. Of levels that
 * are as fast, the one that sends less.
 */
export function levelFor(rateBitsPerS: number, measured: readonly MeasuredLevel[]): number {
  const secondsOf = ({ ratio, bytesPerS }: MeasuredLevel) => Math.max(1 / bytesPerS, (ratio * 8) / rateBitsPerS);
  const ranked = [...measured].sort((a, b) => secondsOf(a) - secondsOf(b) || a.ratio - b.ratio);
  const [best] = ranked;
  if (best === undefined) throw new Error('expected a measured level, got none');
  return best.level;
}

/** Measures levels on samples of what is to be sent. `clock` gives milliseconds. */
export async function measureLevels(
  samples: readonly Uint8Array[],
  levels: readonly number[] = LEVELS,
  clock: () => number = () => performance.now(),
  signal?: AbortSignal,
): Promise<MeasuredLevel[]> {
  const total = samples.reduce((sum, { length }) => sum + length, 0);
  if (total === 0) throw new Error('expected something to compress, got nothing');
  const measured: MeasuredLevel[] = [];
  for (const level of levels) {
    let bytes = 0;
    const began = clock();
    for (const sample of samples) {
      signal?.throwIfAborted();
      bytes += (await zstdCompress(sample, { params: { [zlib.ZSTD_c_compressionLevel]: level } })).length;
    }
    const seconds = Math.max(clock() - began, 0.001) / 1000;
    measured.push({ level, ratio: bytes / total, bytesPerS: total / seconds });
  }
  return measured;
}
