import type { Datetime } from '../clocks/datetime.ts';
import { fail } from './error-code.ts';
import type { TreeNode } from './node.ts';

/** `wasi:filesystem/types#descriptor-type`: the kinds that exist here. */
export type DescriptorType = 'directory' | 'symbolic-link' | 'regular-file';

/** `wasi:filesystem/types#descriptor-stat`. */
export interface DescriptorStat {
  readonly type: DescriptorType;
  readonly linkCount: bigint;
  readonly size: bigint;
  readonly dataAccessTimestamp: Datetime;
  readonly dataModificationTimestamp: Datetime;
  readonly statusChangeTimestamp: Datetime;
}

/** `wasi:filesystem/types#new-timestamp`. */
export type NewTimestamp =
  | { readonly tag: 'no-change' }
  | { readonly tag: 'now' }
  | { readonly tag: 'timestamp'; readonly val: Datetime };

const TYPES = { directory: 'directory', symlink: 'symbolic-link', file: 'regular-file' } as const;

export function typeOf(node: TreeNode): DescriptorType {
  return TYPES[node.kind];
}

export function statOf(node: TreeNode): DescriptorStat {
  return {
    type: typeOf(node),
    linkCount: node.kind === 'directory' ? 1n : BigInt(node.links),
    size: BigInt(node.kind === 'file' ? node.size : node.kind === 'symlink' ? node.targetBytes : 0),
    dataAccessTimestamp: node.accessed,
    dataModificationTimestamp: node.modified,
    statusChangeTimestamp: node.changed,
  };
}

/** Sets the times that are not `no-change`. */
export function setTimesOf(node: TreeNode, accessed: NewTimestamp, modified: NewTimestamp, now: Datetime): void {
  if (node.packaged) fail('read-only');
  const [newAccessed, newModified] = [timeOf(accessed, node.accessed, now), timeOf(modified, node.modified, now)];
  node.accessed = newAccessed;
  node.modified = newModified;
  node.changed = now;
}

/** `wasi:filesystem/types#metadata-hash-value`: one of its own for each node of a tree. */
export function metadataHashOf(node: TreeNode): { readonly lower: bigint; readonly upper: bigint } {
  return { lower: node.id, upper: 0n };
}

function timeOf(stamp: NewTimestamp, present: Datetime, now: Datetime): Datetime {
  switch (stamp.tag) {
    case 'no-change':
      return present;
    case 'now':
      return now;
    case 'timestamp':
      if (stamp.val.nanoseconds >= 1e9) fail('invalid');
      return stamp.val;
    default:
      throw stamp satisfies never;
  }
}
