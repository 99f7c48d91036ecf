import type { Datetime } from '../clocks/datetime.ts';
import { fail } from './error-code.ts';
import type { FileTree } from './file-tree.ts';
import type { DirectoryNode, FileNode } from './node.ts';

/** `wasi:filesystem/types#descriptor-flags`. */
export interface DescriptorFlags {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly fileIntegritySync?: boolean;
  readonly dataIntegritySync?: boolean;
  readonly requestedWriteSync?: boolean;
  readonly mutateDirectory?: boolean;
}

/** `wasi:filesystem/types#open-flags`. */
export interface OpenFlags {
  readonly create?: boolean;
  readonly directory?: boolean;
  readonly exclusive?: boolean;
  readonly truncate?: boolean;
}

interface Opened {
  readonly node: FileNode | DirectoryNode;
  readonly flags: DescriptorFlags;
}

/** The directory from which something is opened, and whether its descriptor may change what is below. */
interface Base {
  readonly directory: DirectoryNode;
  readonly mutable: boolean;
  /** Whether a directory may change what is below only when that was asked for, as in WASI 0.3. */
  readonly asked?: boolean;
}

/** `open-at`: finds or makes a node and gives what may be done with it. */
export function openNode(
  tree: FileTree,
  base: Base,
  path: string,
  follow: boolean,
  open: OpenFlags,
  flags: DescriptorFlags,
  now: () => Datetime,
): Opened {
  const changes = open.create || open.truncate || flags.write || flags.mutateDirectory;
  if (changes && !base.mutable) fail('read-only');
  if (open.create && open.directory) fail('invalid');
  const place = tree.find(base.directory, path, follow && !(open.create && open.exclusive));
  if (place.node === undefined) {
    if (!open.create) fail('no-entry');
    return { node: tree.createFile(place, now()), flags: fileFlags(flags) };
  }
  if (open.create && open.exclusive) fail('exist');
  return openPresent(tree, base, place.node, open, flags, now);
}

function openPresent(
  tree: FileTree,
  base: Base,
  node: NonNullable<ReturnType<FileTree['find']>['node']>,
  open: OpenFlags,
  flags: DescriptorFlags,
  now: () => Datetime,
): Opened {
  if (node.kind === 'symlink') fail(open.directory ? 'not-directory' : 'loop');
  if (node.kind === 'directory') {
    if (flags.write || open.truncate || open.create) fail('is-directory');
    // Programs made for WASI 0.1 never ask for `mutate-directory`: what the parent may, the child may.
    const mutateDirectory = base.asked === true ? flags.mutateDirectory === true : base.mutable;
    return { node, flags: { read: true, mutateDirectory } };
  }
  if (open.directory) fail('not-directory');
  if (node.packaged && (flags.write || open.truncate)) fail('read-only');
  if (open.truncate) tree.resize(node, 0n, now());
  return { node, flags: fileFlags(flags) };
}

function fileFlags(flags: DescriptorFlags): DescriptorFlags {
  return { ...flags, mutateDirectory: false };
}
