import { fail } from './error-code.ts';
import type { DirectoryNode, TreeNode } from './node.ts';
import { parsePath } from './path.ts';

/** Symbolic links followed in one walk, as on Linux: a chain or a cycle of them ends here. */
const MAX_LINKS = 40;

/** Where a path leads. */
export interface Place {
  readonly directory: DirectoryNode;
  /** Null when the path leads to a directory without naming it in another (`.`, `a/..`): it cannot be made, removed or renamed. */
  readonly name: string | null;
  /** Undefined when nothing is there. */
  readonly node: TreeNode | undefined;
  /** The path can only mean a directory. */
  readonly directoryOnly: boolean;
}

/**
 * Walks a path that a guest gave from a directory and never leaves that directory: `..` above it and absolute targets of
 * symbolic links are `not-permitted`. All names but the last must lead to directories. `follow` says whether a symbolic link
 * in last place is followed.
 */
export function walk(
  base: DirectoryNode,
  text: string,
  follow: boolean,
  lookup: (directory: DirectoryNode, name: string) => TreeNode | undefined,
): Place {
  const path = parsePath(text);
  const ancestors = [base];
  const ahead = path.names.toReversed();
  let directoryOnly = path.directoryOnly;
  let links = 0;
  while (ahead.length > 0) {
    const name = ahead.pop()!;
    const directory = ancestors.at(-1)!;
    if (name === '..') {
      if (ancestors.length === 1) fail('not-permitted');
      ancestors.pop();
      continue;
    }
    const node = lookup(directory, name);
    const last = ahead.length === 0;
    if (node === undefined) {
      if (!last) fail('no-entry');
      return { directory, name, node, directoryOnly };
    }
    if (node.kind === 'symlink' && (!last || follow || directoryOnly)) {
      links += 1;
      if (links > MAX_LINKS) fail('loop');
      const target = parsePath(node.target);
      if (last) directoryOnly ||= target.directoryOnly;
      ahead.push(...target.names.toReversed());
      continue;
    }
    if (node.kind !== 'directory' && (!last || directoryOnly)) fail('not-directory');
    if (last) return { directory, name, node, directoryOnly };
    ancestors.push(node as DirectoryNode);
  }
  const directory = ancestors.at(-1)!;
  return { directory, name: null, node: directory, directoryOnly };
}
