import { CloudletError } from '../../guest-sdk/protocol/index.ts';

/**
 * Codes of the operating system, and of SQLite, that mean there is no room: a full disk and a used-up quota look alike to a
 * caller.
 */
const FULL = new Set(['ENOSPC', 'EDQUOT']);
const SQLITE_FULL = 13;
/** SQLite's codes for a file that is damaged, or no database at all; the lower byte of longer codes. */
const DAMAGED: ReadonlySet<unknown> = new Set([11, 26]);

/** Turns a full disk into `storage-full`; anything else comes back as it is. */
export function asStorageError(thrown: unknown): unknown {
  if (thrown === null || typeof thrown !== 'object') return thrown;
  const { code, errcode } = thrown as { code?: unknown; errcode?: unknown };
  const full = (typeof code === 'string' && FULL.has(code)) || errcode === SQLITE_FULL;
  if (!full) return thrown;
  return new CloudletError(
    'storage-full',
    'expected room on the disk of the data directory, found it full; free some space or remove functions',
    { cause: thrown },
  );
}

/** Codes that mean a directory can never be used as it is: no right to it, or something else is in its place. */
const UNUSABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ELOOP', 'ENAMETOOLONG']);

/**
 * Turns what keeps a directory from being used into `storage-full` or `storage-unavailable`; anything else comes back as it
 * is.
 */
export function asDirectoryError(thrown: unknown, path: string): unknown {
  const code = (thrown as { code?: unknown } | null)?.code;
  if (typeof code !== 'string' || !UNUSABLE.has(code)) return asStorageError(thrown);
  return new CloudletError(
    'storage-unavailable',
    `expected a data directory that this user can write to at ${path}, got ${code}; give it to this user, or use --data with another one`,
    { cause: thrown },
  );
}

/** Turns what SQLite says of a damaged file into `storage-corrupt`, naming the file; anything else comes back as it is. */
export function asDatabaseError(thrown: unknown, path: string): unknown {
  const errcode = (thrown as { errcode?: unknown } | null)?.errcode;
  if (typeof errcode !== 'number' || !DAMAGED.has(errcode & 0xff)) return asStorageError(thrown);
  return new CloudletError(
    'storage-corrupt',
    `expected a whole database in ${path}, found a damaged one; restore it from a copy, or remove it and publish the functions again`,
    { cause: thrown },
  );
}

/** Whether an error of the file system says that there is no such file. */
export function isMissing(thrown: unknown): boolean {
  return (thrown as { code?: unknown } | null)?.code === 'ENOENT';
}
