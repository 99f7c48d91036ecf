/**
 * The processes below a process, whatever groups and sessions they are in.
 * A test that looks for what it left compares with what was there before: esbuild, for one, keeps a process for as long as this one.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Ids of all processes below `root`, parents first. What was left behind by a parent that is gone is not found. */
export function processesBelow(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const parent = /^\d+$/.test(entry) ? parentOf(Number(entry)) : null;
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found = [...(children.get(root) ?? [])];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** Ids of the processes that the main thread of a process has started and that have not ended; none when it has ended itself. */
export function childrenOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return children.split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // It has ended.
  }
}

/** The name of a process's program, as the kernel cuts it; null when it has ended. */
export function programOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return null;
  }
}

function parentOf(pid: number): number | null {
  try {
    // The name, which may be anything, is in parentheses; behind it are the state and the parent.
    return Number(/\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*(?=\) )/s, ''))?.[1]);
  } catch {
    return null; // It has ended.
  }
}
