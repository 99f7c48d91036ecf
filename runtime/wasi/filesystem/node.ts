import type { Datetime } from '../clocks/datetime.ts';
import type { ImageDirectory } from './file-image.ts';

/** What every node of a `FileTree` has. */
export interface NodeTraits {
  /** Unlike that of any other node of the tree, also of removed ones. */
  readonly id: bigint;
  /** Carried by the package: its bytes and times stay as they are. */
  readonly packaged: boolean;
  accessed: Datetime;
  modified: Datetime;
  changed: Datetime;
}

export interface FileNode extends NodeTraits {
  readonly kind: 'file';
  /** Holds at least `size` bytes; what is behind is zero and not part of the file. */
  bytes: Uint8Array;
  /** Makes whoever needs bytes from `start` to before `end` wait until they are there; null when all are. */
  arrive: ((start: number, end: number) => void) | null;
  /** The bytes are also those of other instances: they are copied before they are changed. */
  shared: boolean;
  size: number;
  /** Directory entries that name it. */
  links: number;
  /** Descriptors and streams that use it; its bytes are given back when neither these nor links are left. */
  users: number;
}

export interface SymlinkNode extends NodeTraits {
  readonly kind: 'symlink';
  readonly target: string;
  readonly targetBytes: number;
  /** Directory entries that name it. */
  links: number;
}

export interface DirectoryNode extends NodeTraits {
  readonly kind: 'directory';
  readonly entries: Map<string, DirectoryEntry>;
  /** Null: the root, or removed. */
  parent: DirectoryNode | null;
  removed: boolean;
  /** The package's directory whose entries are still to be made nodes of; null when that is done or there is none. */
  unread: ImageDirectory | null;
}

export type TreeNode = FileNode | SymlinkNode | DirectoryNode;

export interface DirectoryEntry {
  readonly node: TreeNode;
  /** Grows with each entry made in the tree, so that a running directory stream can leave out what came later. */
  readonly sequence: number;
  /** Carried by the package: it stays where it is. */
  readonly packaged: boolean;
}
