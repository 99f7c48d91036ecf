import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Every user may read and run it, nobody may write it. */
const PROGRAM_MODE = 0o555;

/**
 * A program as an open file without a name: who inherits the descriptor runs or loads it through `/proc/self/fd`, whatever user it
 * is, and nothing is left behind however we end. The caller closes it.
 */
export async function openProgram(bytes: Uint8Array): Promise<FileHandle> {
  const directory = await mkdtemp(join(tmpdir(), 'cloudlet-program-'));
  try {
    const path = join(directory, 'program');
    await writeFile(path, bytes, { mode: PROGRAM_MODE });
    return await open(path);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
