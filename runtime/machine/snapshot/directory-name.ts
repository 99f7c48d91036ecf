import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { isOwnerGone, ownerTag } from './owner-tag.ts';

const DRAFT_PREFIX = '.making-';

/** Whether a directory of a store is, or was, something complete: its name is a digest in hexadecimal. */
export function isCompleteName(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** How old the draft of a host in another container must be to be taken for left, milliseconds: longer than any template may take. */
const FOREIGN_MS = 60 * 60_000;

/** A new name for a draft of what `label` names, which says whose it is. */
export function draftName(label: string): string {
  return `${DRAFT_PREFIX}${ownerTag()}-${label.slice(0, 16)}-${randomUUID().slice(0, 8)}`;
}

/** Whether nobody will ever need this: the draft of a process that is gone, or what is not whole because its removal was cut short. */
export async function isLeftOver(
  path: string,
  name: string,
  isWhole: (directory: string) => Promise<boolean>,
): Promise<boolean> {
  if (name.startsWith(DRAFT_PREFIX)) {
    const found = await stat(path).catch(() => null); // Committed or removed while we looked.
    return found !== null && isOwnerGone(name.slice(DRAFT_PREFIX.length), Date.now() - found.mtimeMs, FOREIGN_MS);
  }
  return isCompleteName(name) && !(await isWhole(path));
}
