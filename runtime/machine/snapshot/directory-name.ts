import { randomUUID } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isAlive, startTimeOf } from '../confinement/process-identity.ts';
import { snapshotFiles } from './snapshot-files.ts';
import { parseSnapshotManifest } from './snapshot-manifest.ts';

const DRAFT_PREFIX = '.making-';

/** Whether a directory of the store is, or was, a snapshot: its name is a key. */
export function isSnapshotName(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** How old the draft of a host in another container must be to be taken for left, milliseconds: longer than any template may take. */
const FOREIGN_MS = 60 * 60_000;

/**
 * A new name for a draft, which says whose it is: process id, start and namespace of processes. In a container that is started again
 * the next host often has the id of the last one, but another start; in another container an id says nothing.
 */
export function draftName(key: string): string {
  const owner = `${process.pid}-${startTimeOf(process.pid)}-${pidNamespace()}`;
  return `${DRAFT_PREFIX}${owner}-${key.slice(0, 16)}-${randomUUID().slice(0, 8)}`;
}

function pidNamespace(): string {
  return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
}

/** Whether nobody will ever need this: the draft of a process that is gone, or a snapshot whose removal was cut short. */
export async function isLeftOver(path: string, name: string): Promise<boolean> {
  if (name.startsWith(DRAFT_PREFIX)) {
    const [pid, start = '', namespace] = name.slice(DRAFT_PREFIX.length).split('-');
    if (namespace === pidNamespace()) return !isAlive(Number(pid), start);
    const found = await stat(path).catch(() => null); // Committed or removed while we looked.
    return found !== null && Date.now() - found.mtimeMs > FOREIGN_MS;
  }
  if (!isSnapshotName(name)) return false;
  const text = await readFile(snapshotFiles(path).manifest, 'utf8').catch(() => null);
  return text === null || parseSnapshotManifest(text) === null;
}
