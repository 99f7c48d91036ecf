/**
 * Which test file is next: the longest first, so that none is left alone at the end, and never more virtual machines at once than the computer carries.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { TestFile } from './test-file.ts';

/** Seconds that files took when they last ran here, by path. */
export type Times = Readonly<Record<string, number>>;

/** Reads the times of earlier runs; none when there were none, or the file is torn. */
export function readTimes(path: string): Times {
  try {
    const kept: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const entries = Object.entries(kept ?? {}).filter(([, seconds]) => typeof seconds === 'number');
    return Object.fromEntries(entries);
  } catch {
    return {}; // Files are ordered by what they say about themselves.
  }
}

/** Keeps times for the next run. Of runs that end at once the last one's are kept. */
export function writeTimes(path: string, times: Times): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(times));
  renameSync(`${path}.${process.pid}`, path);
}

/** Files by how long they take, longest first; one that never ran may take its limit. Pure. */
export function longestFirst(files: readonly TestFile[], times: Times): TestFile[] {
  const seconds = ({ path, limitSeconds }: TestFile) => times[path] ?? limitSeconds;
  return files.toSorted((a, b) => seconds(b) - seconds(a));
}

/**
 * Takes the next file out of those that wait, or null when none may begin beside those that run. Machines always run while there are any to run:
 * they take longest. Beside the first runs a file without any, which fills what they leave, and then further machines.
 */
export function takeNext(
  waiting: TestFile[],
  running: Iterable<TestFile>,
  { machinesAtOnce }: { readonly machinesAtOnce: number },
): TestFile | null {
  const kinds = [...running].map(({ kind }) => kind);
  const machines = kinds.filter((kind) => kind === 'machines').length;
  const wanted = (['machines', 'other'] as const).filter((kind) => kind === 'other' || machines < machinesAtOnce);
  if (machines > 0 && machines === kinds.length) wanted.reverse();
  for (const kind of wanted) {
    const index = waiting.findIndex((file) => (file.kind === 'machines') === (kind === 'machines'));
    if (index >= 0) return waiting.splice(index, 1)[0]!;
  }
  return null;
}
