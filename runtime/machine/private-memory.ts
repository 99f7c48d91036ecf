import { readFile } from 'node:fs/promises';

/**
 * Bytes of memory that end with a process: its anonymous pages, which are those that it has written itself, a clone's copies of
 * its snapshot's pages among them. Pages of files do not count, though it may be the only one who has them mapped: the kernel takes
 * them back when it needs them. Rejects when the process is gone or belongs to someone else.
 */
export async function privateBytes(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  return privateBytesOf(rollup);
}

/** The same from the text of `smaps_rollup`. Pure. */
export function privateBytesOf(rollup: string): number {
  const found = [...rollup.matchAll(/^(?:Anonymous|Swap):\s+(\d+) kB$/gm)];
  if (found.length !== 2)
    throw new Error(`expected Anonymous and Swap in smaps_rollup, got ${JSON.stringify(rollup.slice(0, 200))}`);
  return found.reduce((sum, [, kib]) => sum + Number(kib) * 1024, 0);
}
