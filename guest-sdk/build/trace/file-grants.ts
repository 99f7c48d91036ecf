import { readdir } from 'node:fs/promises';
import { isAbsolute, join, posix } from 'node:path';
import type { GrantRequest } from '../../protocol/index.ts';

/** Where copies of files go that lie outside of the project, or of which only some are needed. */
export const COPIES = 'files';

/** A file that the package needs and that is copied into the project for it. */
export interface CopiedFile {
  /** Absolute, or below the project's folder. */
  readonly source: string;
  /** Below the project's folder. */
  readonly target: string;
}

/** The entries of `files` for what was read, and what must be copied for them. */
export interface FileGrants {
  readonly files: NonNullable<GrantRequest['files']>;
  readonly copies: readonly CopiedFile[];
}

/** Single files that are granted one by one; more of a directory are copied into one of their own. */
const MOST_SINGLE = 4;

/** Directories of one grant: more have one above them. */
const MOST_PLACES = 24;

/**
 * Grants exactly the files that were read. A directory of the project whose files were all read is granted as such, a few files of the
 * project one by one, and everything else is copied into `files/`, under the paths that the guest knows.
 */
export async function fileGrants(sources: Readonly<Record<string, string>>, folder: string): Promise<FileGrants> {
  const roots = placesOf(Object.keys(sources));
  const files: { path: string; from: string }[] = [];
  const copies: CopiedFile[] = [];
  for (const root of roots) {
    const within = Object.entries(sources).filter(([path]) => isBelow(path, root));
    const whole = await wholeFolder(within, root, folder);
    if (whole !== null) {
      files.push({ path: root, from: whole });
      continue;
    }
    if (within.length <= MOST_SINGLE && within.every(([, source]) => !isAbsolute(source))) {
      files.push(...within.map(([path, source]) => ({ path, from: source })));
      continue;
    }
    const target = (path: string) => posix.join(COPIES, path);
    files.push({ path: root, from: root === '/' ? COPIES : target(root) });
    for (const [path, source] of within) if (source !== target(path)) copies.push({ source, target: target(path) });
  }
  return { files, copies };
}

/** The directories of the paths, without those that are below another; one above all when they are too many. */
function placesOf(paths: readonly string[]): string[] {
  const directories = [...new Set(paths.map((path) => posix.dirname(path)))].sort();
  const roots = directories.filter((each) => !directories.some((other) => other !== each && isBelow(each, other)));
  if (roots.length <= MOST_PLACES) return roots;
  const names = roots.map((root) => root.split('/'));
  const shared = names[0]!.findIndex((name, at) => names.some((other) => other[at] !== name));
  return [shared <= 1 ? '/' : names[0]!.slice(0, shared).join('/')];
}

/** The folder of the project that has these files, each in its place, and no others; null when there is none. */
async function wholeFolder(
  within: readonly (readonly [path: string, source: string])[],
  root: string,
  folder: string,
): Promise<string | null> {
  const [path, source] = within[0]!;
  const tail = root === '/' ? path : path.slice(root.length);
  if (isAbsolute(source) || !`/${source}`.endsWith(tail)) return null;
  const from = `/${source}`.slice(1, -tail.length || undefined);
  if (from === '') return null;
  if (!within.every(([each, of]) => of === from + (root === '/' ? each : each.slice(root.length)))) return null;
  const entries = await readdir(join(folder, from), { recursive: true, withFileTypes: true }).catch(() => []);
  const others = entries.filter((entry) => !entry.isDirectory());
  return others.length === within.length && others.every((entry) => entry.isFile()) ? from : null;
}

/** Whether a path is below a directory. */
export function isBelow(path: string, directory: string): boolean {
  return directory === '/' ? path !== '/' : path.startsWith(`${directory}/`);
}
