import { join } from 'node:path';
import type { SnapshotConditions } from './snapshot-manifest.ts';

/** A saved machine on disk. */
export interface Snapshot {
  readonly key: string;
  readonly conditions: SnapshotConditions;
  /** Path of its memory, a sparse file of the size of the machine's memory. */
  readonly memory: string;
  /** Path of the state of its devices. */
  readonly state: string;
}

/** Paths of what lies in a snapshot's directory. */
export function snapshotFiles(directory: string): { memory: string; state: string; manifest: string } {
  return {
    memory: join(directory, 'memory'),
    state: join(directory, 'state'),
    manifest: join(directory, 'manifest.json'),
  };
}

/** The snapshot in a directory. */
export function snapshotIn(directory: string, key: string, conditions: SnapshotConditions): Snapshot {
  const { memory, state } = snapshotFiles(directory);
  return { key, conditions, memory, state };
}
