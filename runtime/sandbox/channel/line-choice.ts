import type { CallLine } from './call-line.ts';

/** What a line says of its worker. */
export type LineLoad = Pick<CallLine, 'busy' | 'free' | 'takesAhead' | 'movedAt'>;

/** What is known of the invocations that are to begin. */
export interface LineNeeds {
  /** Threads that are worth running at once. */
  readonly processors: number;
  /** Workers that may have one at the same time. */
  readonly most: number;
  /** Whether they are short: then they may be sent to a worker that is busy. */
  readonly isShort: boolean;
  /** As many of them with one worker end sooner than another worker is woken for one; none when they are not that short. */
  readonly together: number;
  readonly now: number;
  /** For how long its worker may have ended nothing before none is put behind what it runs, milliseconds. */
  readonly stuckMs: number;
}

/** Invocations that a worker may be sent beside the one that it runs, when no other is free. */
export const MOST_AHEAD = 3;

/** A worker that has ended nothing for so long has one that is not short, milliseconds: no more are put behind it while others are free. */
const MOVES_MS = 3;

/**
 * And then none at all: it is stuck. Where the processor is emulated a collection of all that it holds takes 300 ms in place of 5, and sometimes more. It goes on then, while another, cold, would
 * take the only processor from it for seconds: so long one is waited for that computes; `native` holds for one that does not.
 */
export const STUCK_MS = { native: 20, emulated: 400 } as const;

/**
 * The line that gets an invocation: the free one whose worker has the least to do, since the others may have what computes; of several the first, which
 * has the warmest code. While those are free for which there are processors, no more are used: each more only takes time from them, and has code of its own to compile.
 * Where an invocation is short it is sent ahead to one of those rather than to a worker for which there is no processor; and where it is so short that waking another
 * worker takes longer, to the first that has some: they come and go together then, in one system call.
 */
export function chooseLine<T extends LineLoad>(lines: readonly T[], needs: LineNeeds): T | undefined {
  const { processors, most, isShort, together, now, stuckMs } = needs;
  const mayWake = most >= lines.length || workersInUse(lines) < most;
  let free: T | undefined;
  let busy: T | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [at, line] of lines.entries()) {
    if (at >= processors && (free !== undefined || busy !== undefined)) break;
    if (line.free) {
      if (line.busy === 0 && !mayWake) continue;
      if (free === undefined || line.busy < free.busy) free = line;
    } else if (isShort && at < processors && line.takesAhead) {
      const restMs = now - line.movedAt;
      if (restMs >= stuckMs) continue;
      if (free === undefined && line.busy < together && restMs < MOVES_MS) return line;
      const before = restMs < MOVES_MS ? line.busy : MOST_AHEAD + line.busy;
      if (line.busy <= MOST_AHEAD && before < least) [busy, least] = [line, before];
    }
  }
  return free ?? busy;
}

/** How many have anything to do. */
export function workersInUse(lines: readonly Pick<LineLoad, 'busy'>[]): number {
  let count = 0;
  for (const { busy } of lines) if (busy > 0) count += 1;
  return count;
}
