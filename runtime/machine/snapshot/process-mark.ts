import { readFile } from 'node:fs/promises';

/** Of the fields of `/proc/PID/stat` after the command's name, the one that says when the process started. */
const START_FIELD = 19;

/**
 * Names a process beyond the life of its number, as `<pid>-<start, in ticks since boot>`: in a container that is started again, the next host
 * often has the number of the last one. Null when there is no such process.
 */
export async function processMark(pid: number = process.pid): Promise<string | null> {
  // The name is in parentheses and may hold any character, parentheses too.
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null); // No such process.
  return line === null ? null : `${pid}-${line.slice(line.lastIndexOf(')') + 2).split(' ')[START_FIELD]}`;
}

/** Whether the process with this mark still runs. */
export async function isRunning(mark: string): Promise<boolean> {
  return (await processMark(Number(mark.split('-')[0]))) === mark;
}
