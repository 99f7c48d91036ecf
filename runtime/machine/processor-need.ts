import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/**
 * Nanoseconds for which the threads of a process ran or waited for a processor, since it began. A process that has what it needs and
 * one that others hold up need the same; one that waits for something else needs less. Null when it is gone or the kernel does not
 * count (`CONFIG_SCHED_INFO`). Threads that have ended no longer count, so the sum may go back.
 */
export function processorNeedNs(pid: number): number | null {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.reduce(
      (sum, thread) => sum + needOf(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1')),
      0,
    );
  } catch {
    return null;
  }
}

/** Time that all processors of this computer together have been idle, nanoseconds. The kernel counts in steps of 10 ms. */
export function idleProcessorNs(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle * 1e6, 0);
}

/** The first two numbers of `schedstat`: nanoseconds on a processor, and in the queue for one. */
function needOf(schedstat: string): number {
  const [ran, queued] = schedstat.split(' ');
  return Number(ran) + Number(queued);
}
