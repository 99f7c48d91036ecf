import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/**
 * Nanoseconds for which the threads of a process ran or waited for a processor, since it began. A process that has what it needs and
 * one that others hold up need the same; one that waits for something else needs less. Null when it is gone or the kernel does not
 * count (`CONFIG_SCHED_INFO`). Threads that have ended no longer count, so the sum may go back.
 */
export function processorNeedNs(pid: number): number | null {
  return threadsOf(pid)?.reduce((sum, { ranNs, queuedNs }) => sum + ranNs + queuedNs, 0) ?? null;
}

/**
 * Nanoseconds for which others held up a process: what that of its threads which waited longest stood in the queue for a processor. Null when it is gone or
 * the kernel does not count. May go back, too.
 */
export function processorQueueNs(pid: number): number | null {
  return threadsOf(pid)?.reduce((most, { queuedNs }) => Math.max(most, queuedNs), 0) ?? null;
}

/** As `processorQueueNs`, for each of its threads. */
export function threadQueuesNs(pid: number): ReadonlyMap<string, number> | null {
  const threads = threadsOf(pid);
  return threads === null ? null : new Map(threads.map(({ thread, queuedNs }) => [thread, queuedNs]));
}

/** Time that all processors of this computer together have been idle, nanoseconds. The kernel counts in steps of 10 ms. */
export function idleProcessorNs(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle * 1e6, 0);
}

interface ThreadTime {
  readonly thread: string;
  readonly ranNs: number;
  readonly queuedNs: number;
}

/** The first two numbers of each thread's `schedstat`: nanoseconds on a processor, and in the queue for one. */
function threadsOf(pid: number): ThreadTime[] | null {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => {
      const [ran, queued] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ');
      return { thread, ranNs: Number(ran), queuedNs: Number(queued) };
    });
  } catch {
    return null;
  }
}
