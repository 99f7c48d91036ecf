import type { Digest, FunctionName } from '../../guest-sdk/protocol/index.ts';

/** One immutable version of a function. */
export interface RegisteredVersion {
  readonly version: number;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** RFC 3339, UTC. */
  readonly publishedAt: string;
  /** What the publisher of the version found in the component, as text that only it interprets. */
  readonly description: string;
  /** What its package is made of, as text that only the publisher interprets; null for a component without one. */
  readonly package: string | null;
}

/** A published name and all its versions, oldest first. */
export interface RegisteredFunction {
  readonly name: FunctionName;
  /** The version that calls go to; one of `versions`. */
  readonly current: number;
  readonly versions: readonly RegisteredVersion[];
}

/** What a publish writes. */
export interface NewVersion {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly description: string;
  /** Of a version that came as a package: what that is made of, and its blobs. */
  readonly package?: { readonly text: string; readonly blobs: readonly Digest[] };
}
