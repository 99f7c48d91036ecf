/**
 * The processes below a process, whatever groups and sessions they are in.
 * A test that looks for what it left compares with what was there before: esbuild, for one, keeps a process for as long as this one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

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

/** Whether a process runs: one that has ended and that nobody has waited for does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // Gone altogether.
  }
}

/** How long processes may take to end on a busy computer, milliseconds: one that was not told to never does. */
const END_MS = 60_000;
const LOOK_MS = 5;

/** Resolves when none of these processes runs any more; fails, naming those that do, when they do not end. */
export async function ended(...pids: readonly number[]): Promise<void> {
  const until = performance.now() + END_MS;
  while (pids.some(isRunning) && performance.now() < until) await sleep(LOOK_MS);
  const left = pids.filter(isRunning).map((pid) => `${pid} (${programOf(pid)})`);
  if (left.length > 0) throw new Error(`expected these processes to end, still running: ${left.join(', ')}`);
}
