import { fail } from './error-code.ts';

/** Longest path and longest target of a symbolic link, in bytes of UTF-8, as on Linux. */
export const MAX_PATH_BYTES = 4096;

/** Longest name of one entry, in bytes of UTF-8, as on Linux. */
export const MAX_NAME_BYTES = 255;

/** A relative path, cut into its names. */
export interface RelativePath {
  /** Names and `..` in order; `.` is left out. */
  readonly names: readonly string[];
  /** Whether it ends in `/`, `.` or `..`: it can only mean a directory. */
  readonly directoryOnly: boolean;
}

const encoder = new TextEncoder();

/**
 * Reads a path that a guest gave. Throws `no-entry` when it is empty, `invalid` when it has a NUL, `not-permitted` when it is
 * absolute, `name-too-long` when it or a name in it is too long. `..` is kept: what it means depends on symbolic links.
 */
export function parsePath(text: string): RelativePath {
  if (text.length === 0) fail('no-entry');
  if (text.includes('\0')) fail('invalid');
  if (utf8Longer(text, MAX_PATH_BYTES)) fail('name-too-long');
  if (text.startsWith('/')) fail('not-permitted');
  const parts = text.split('/');
  const names = parts.filter((part) => part !== '' && part !== '.');
  if (names.some((name) => utf8Longer(name, MAX_NAME_BYTES))) fail('name-too-long');
  const last = parts.at(-1);
  return { names, directoryOnly: last === '' || last === '.' || last === '..' };
}

/** Whether a text is longer than `limit` bytes in UTF-8. */
export function utf8Longer(text: string, limit: number): boolean {
  if (text.length > limit) return true;
  if (text.length * 3 <= limit) return false;
  return encoder.encode(text).length > limit;
}

/** Length of a text in bytes of UTF-8. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length;
}
