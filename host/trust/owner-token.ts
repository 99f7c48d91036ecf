import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';

/** Where the engine keeps the owner's token, mode 0600; only who owns the directory can read it, which is the proof. */
export function ownerTokenPath(dataDir: string): string {
  return join(dataDir, 'owner-token');
}

/** The owner's token of the cloudlet with this data directory, or null when it was never started; `forbidden` when another user owns it. */
export async function readOwnerToken(dataDir: string): Promise<string | null> {
  const path = ownerTokenPath(dataDir);
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new CloudletError(
      'forbidden',
      `expected leave to read the owner's token in ${path} (${code}); run as the user who runs the cloudlet, or set CLOUDLET_TOKEN`,
      { cause: error },
    );
  }
}
