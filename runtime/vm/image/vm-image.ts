import type { Digest, ServiceSpec } from '../../../guest-sdk/protocol/index.ts';
import type { SnapshotConditions } from '../../machine/index.ts';

/** One layer of a VM's disk. */
export interface DiskLayer {
  readonly path: string;
  /** `qcow2` layers hold what differs from the layers below and name none of them. */
  readonly format: 'raw' | 'qcow2';
}

/** A saved VM on disk: clones of it go on where it was. Immutable, verified when it was opened. */
export interface VmImage {
  /** Digest of its manifest, and so of every byte of it. */
  readonly digest: Digest;
  /** `base`: nothing of anybody's in it; `service`: a server runs in it. */
  readonly kind: 'base' | 'service';
  readonly directory: string;
  /** The guest's memory, mostly holes. */
  readonly memory: string;
  /** The state of its devices. */
  readonly state: string;
  /** The disk, the lowest layer first. */
  readonly disk: readonly DiskLayer[];
  /** Under what it may be restored, `memoryMib` and `vcpus` among them. */
  readonly conditions: SnapshotConditions;
  readonly diskBytes: number;
  /** The base that it came from; null for a base. */
  readonly base: Digest | null;
  /** What runs in it; null for a base. */
  readonly service: ServiceSpec | null;
}
