import type { ImageDirectory } from './file-image.ts';
import type { DirectoryNode } from './node.ts';

/** What a `FileTree` is made of. */
export interface FileTreeOptions {
  /** The package's files; they can be read, not changed, moved or removed, unless they are the guest's `own`. */
  readonly image?: ImageDirectory;
  /** Bytes of files and link targets that the guest may make; 0 with `scratchNodes` 0: nothing can be written. */
  readonly scratchBytes: number;
  /** Directory entries that the guest may make. */
  readonly scratchNodes: number;
  /** What the `own` files of the image take of both; more than there is throws. */
  readonly own?: { readonly bytes: number; readonly nodes: number };
  readonly arrive?: Arrive;
  /** Path under which the guest finds the root, when there are no `directories`. */
  readonly mount?: string;
  /** The directories that the guest is given; by default the root, which can be written to if anything can. */
  readonly directories?: readonly GivenDirectory[];
}

/** Returns when bytes of a late file of the image, from `start` to before `end`, are there; throws when nobody may wait for them. */
export type Arrive = (late: number, start: number, end: number) => void;

/** A directory that a guest has from its start: a preopen. */
export interface GivenDirectory {
  /** Under which the guest finds it. */
  readonly path: string;
  /** Names from the root of the tree; it is in the image. */
  readonly at: readonly string[];
  readonly writable: boolean;
}

/** A given directory with its node. */
export interface Preopen {
  readonly path: string;
  readonly directory: DirectoryNode;
  readonly writable: boolean;
}
