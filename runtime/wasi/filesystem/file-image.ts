import type { FileNode, NodeTraits } from './node.ts';
import { parsePath } from './path.ts';
import type { Arrive } from './tree-options.ts';

/** A file or directory that a package carries; immutable, shared by all instances also where each may change its own copy. */
export type ImageNode = ImageFile | ImageDirectory;

export interface ImageFile {
  readonly kind: 'file';
  readonly bytes: Uint8Array;
  /** Its number among those whose bytes may come later; null when they are there. */
  readonly late: number | null;
}

export interface ImageDirectory {
  readonly kind: 'directory';
  readonly entries: ReadonlyMap<string, ImageNode>;
  /** What is directly in it is a copy of the guest's own, which it may change, move and remove. */
  readonly own?: boolean;
}

interface GrowingDirectory extends ImageDirectory {
  readonly entries: Map<string, ImageNode>;
}

/** A file of an image in the tree of one instance; `arrive` makes whoever reads a late one wait for it. */
export function fileOfImage(
  { bytes, late }: ImageFile,
  traits: NodeTraits,
  shared: boolean,
  arrive: Arrive | undefined,
): FileNode {
  const wait = late === null || arrive === undefined ? null : (start: number, end: number) => arrive(late, start, end);
  return { kind: 'file', ...traits, bytes, arrive: wait, shared, size: bytes.length, links: 1, users: 0 };
}

/**
 * Makes the tree of a package's files from their paths (relative, `/` between names) and bytes, which are not copied.
 * Throws `TypeError` when a path is not a plain relative path to a file, or is there twice.
 */
export function fileImage(files: Iterable<readonly [path: string, bytes: Uint8Array]>): ImageDirectory {
  const root: GrowingDirectory = { kind: 'directory', entries: new Map() };
  for (const [path, bytes] of files) {
    const names = plainNames(path);
    let directory = root;
    for (const name of names.slice(0, -1)) directory = descend(directory, name, path);
    const name = names.at(-1)!;
    if (directory.entries.has(name)) throw new TypeError(`expected each file once, got ${JSON.stringify(path)} twice`);
    directory.entries.set(name, { kind: 'file', bytes, late: null });
  }
  return root;
}

function plainNames(path: string): readonly string[] {
  let names: readonly string[] = [];
  let reason = 'it names no file';
  try {
    const parsed = parsePath(path);
    if (!parsed.directoryOnly && !parsed.names.includes('..')) names = parsed.names;
  } catch (code) {
    reason = String(code);
  }
  if (names.length > 0) return names;
  throw new TypeError(`expected a plain relative path of a file, got ${JSON.stringify(path)} (${reason})`);
}

function descend(directory: GrowingDirectory, name: string, path: string): GrowingDirectory {
  const present = directory.entries.get(name);
  if (present === undefined) {
    const made: GrowingDirectory = { kind: 'directory', entries: new Map() };
    directory.entries.set(name, made);
    return made;
  }
  if (present.kind === 'directory') return present as GrowingDirectory;
  throw new TypeError(
    `expected a directory on the way to ${JSON.stringify(path)}, got the file ${JSON.stringify(name)}`,
  );
}
