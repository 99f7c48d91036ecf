/**
 * The processes below a process, whatever groups and sessions they are in.
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

function parentOf(pid: number): number | null {
  try {
    // The name, which may be anything, is in parentheses; behind it are the state and the parent.
    return Number(/\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*(?=\) )/s, ''))?.[1]);
  } catch {
    return null; // It has ended.
  }
}
