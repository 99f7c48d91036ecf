import { readFile } from 'node:fs/promises';

/**
 * Bytes of memory that end with a process: `Private_Clean` and `Private_Dirty` of its pages, not those it shares with others
 * or with a file. Rejects when the process is gone or belongs to someone else.
 */
export async function privateBytes(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  return privateBytesOf(rollup);
}

/** The same from the text of `smaps_rollup`. Pure. */
export function privateBytesOf(rollup: string): number {
  const found = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)];
  if (found.length !== 2)
    throw new Error(
      `expected Private_Clean and Private_Dirty in smaps_rollup, got ${JSON.stringify(rollup.slice(0, 200))}`,
    );
  return found.reduce((sum, [, kib]) => sum + Number(kib) * 1024, 0);
}
