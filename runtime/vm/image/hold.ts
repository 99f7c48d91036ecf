import { randomUUID } from 'node:crypto';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isOwnerGone, ownerTag } from '../../machine/index.ts';

const PREFIX = 'held-';

/** How old the hold of a host in another container must be to be taken for left, milliseconds: longer than any lease. */
const FOREIGN_MS = 8 * 24 * 60 * 60_000;

/** Marks a directory as in use by this process; gives the path of the mark. Fails with ENOENT when there is no such directory. */
export async function putHold(directory: string): Promise<string> {
  const path = join(directory, `${PREFIX}${ownerTag()}-${randomUUID()}`);
  await writeFile(path, '', { mode: 0o600, flag: 'wx' });
  return path;
}

/** Whether a process that still runs uses a directory. What others have left is removed. */
export async function isHeld(directory: string): Promise<boolean> {
  const names = await readdir(directory).catch(() => []); // It is gone: nobody uses it.
  let held = false;
  for (const name of names.filter((each) => each.startsWith(PREFIX))) {
    const path = join(directory, name);
    const found = await stat(path).catch(() => null); // Let go while we looked.
    if (found === null) continue;
    if (!isOwnerGone(name.slice(PREFIX.length), Date.now() - found.mtimeMs, FOREIGN_MS)) held = true;
    else await rm(path, { force: true });
  }
  return held;
}
