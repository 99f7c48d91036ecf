import { readFile } from 'node:fs/promises';

/**
 * Bytes of memory that end with a process: its anonymous pages, which are those that it has written itself, a clone's copies of
 * its snapshot's pages among them. Pages of files do not count, though it may be the only one who has them mapped: the kernel takes
 * them back when it needs them. Rejects when the process is gone.
 */
export async function privateBytes(pid: number): Promise<number> {
  // What the kernel counts as it goes, a few pages for each processor late. `smaps_rollup` has the same sum by a walk over all of its
  // pages: milliseconds of a processor for a clone, for which whoever starts at the same time waits.
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return privateBytesOf(status);
}

/** The same from the text of `status`. Pure. */
export function privateBytesOf(status: string): number {
  const found = [...status.matchAll(/^(?:RssAnon|VmSwap):\s+(\d+) kB$/gm)];
  // One that has ended, and whom nobody has waited for, has a status without memory.
  if (found.length !== 2)
    throw new Error(
      `expected RssAnon and VmSwap in the status of a process, got ${JSON.stringify(status.slice(0, 200))}`,
    );
  return found.reduce((sum, [, kib]) => sum + Number(kib) * 1024, 0);
}
