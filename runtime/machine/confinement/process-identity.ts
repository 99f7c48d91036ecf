import { readFileSync } from 'node:fs';

/**
 * When a process started, in the kernel's ticks since boot: with its id, this names it for ever, since ids are used again. Null when
 * there is no such process.
 */
export function startTimeOf(pid: number, proc = '/proc'): string | null {
  try {
    // The name may hold blanks and parentheses; the fields after it are numbers, the twentieth is the start.
    const stat = readFileSync(`${proc}/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null; // No such process.
  }
}

/** Whether the process of this id and start still is. */
export function isAlive(pid: number, startTime: string, proc = '/proc'): boolean {
  return startTimeOf(pid, proc) === startTime;
}
