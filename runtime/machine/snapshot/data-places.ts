import { spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import { programFiles } from '../confinement/program-file.ts';

/** A part of a file that is no hole: `[begin, end)`, bytes. */
export type DataPlace = readonly [begin: number, end: number];

/**
 * Where a file of this size has data, in order; the rest are holes, and a hole is read as zeros. Node has no call for it, and to read a hole costs the
 * kernel a page for each of its pages. Null where it cannot be found out, for whatever reason: then all may be data.
 */
export async function dataPlaces(file: FileHandle, size: number, start = spawn): Promise<readonly DataPlace[] | null> {
  try {
    const { spawner } = await programFiles();
    const said: Buffer[] = [];
    const code = await new Promise<number | null>((resolve) => {
      const child = start('/proc/self/fd/3', ['report', '1', 'data', '4', 'end'], {
        cwd: '/',
        env: {},
        stdio: ['ignore', 'pipe', 'ignore', spawner.fd, file.fd],
      });
      // First of all: where there are no descriptors for a pipe it has none, and says so later.
      child.once('error', () => resolve(null)).once('close', resolve);
      child.stdout?.on('data', (chunk: Buffer) => said.push(chunk)).on('error', () => resolve(null));
    });
    return code === 0 ? placesOf(Buffer.concat(said).toString('latin1'), size) : null;
  } catch {
    return null;
  }
}

/** Two lines for each place, and one that all were said; null for anything else, since what is not said would be a hole. Pure. */
export function placesOf(text: string, size: number): DataPlace[] | null {
  const end = `end ${size}\n`;
  if (!text.endsWith(end)) return null;
  const lines = text.slice(0, -end.length).split('\n');
  if (lines.pop() !== '' || lines.length % 2 !== 0 || !lines.every((line) => /^\d+$/.test(line))) return null;
  const numbers = lines.map(Number);
  if (!numbers.every((number, at) => number <= size && (at === 0 || number > numbers[at - 1]!))) return null;
  return Array.from({ length: numbers.length / 2 }, (_, at) => [numbers[2 * at]!, numbers[2 * at + 1]!]);
}
