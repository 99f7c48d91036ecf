import type { CallLine } from './call-line.ts';

/** What a line says of its worker. */
export type LineLoad = Pick<CallLine, 'busy' | 'free' | 'takesAhead'>;

/**
 * The line that gets an invocation: the free one whose worker has the least to do, since the others may have what computes; of several the first, which
 * has the warmest code. While those are free for which there are processors, no more are used: each more only takes time from them, and has code of its own to compile.
 * Where an invocation is short (`isShort`) it is sent ahead to one of those rather than to a worker for which there is no processor.
 */
export function chooseLine<T extends LineLoad>(
  lines: readonly T[],
  processors = lines.length,
  isShort = false,
): T | undefined {
  let free: T | undefined;
  let busy: T | undefined;
  for (const [at, line] of lines.entries()) {
    if (at >= processors && (free !== undefined || busy !== undefined)) break;
    if (line.free) {
      if (free === undefined || line.busy < free.busy) free = line;
    } else if (isShort && at < processors && line.takesAhead && (busy === undefined || line.busy < busy.busy))
      busy = line;
  }
  return free ?? busy;
}
