import {
  CloudletError,
  type Digest,
  type FunctionName,
  type VerifiedSignature,
} from '../../guest-sdk/protocol/index.ts';

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
  /** Whether bytes of it are still on their way: it is taken back when the host ends before they are here. */
  readonly arrives?: boolean;
  /** Signatures of it that were checked. */
  readonly signatures?: readonly VerifiedSignature[];
  /** The key that signed the store entry that it came with. */
  readonly vouchedBy?: string;
  /** The key that the name belongs to from now on. */
  readonly pin?: string;
  /** What a pusher calls the version. */
  readonly tag?: string;
  /** It is only written: calls go to it, and the rest of the above holds, from `Registry.promote` on. Of the first version of a function calls know at once. */
  readonly onTrial?: boolean;
}

/** A version with the blobs that it has beside its digest's. */
export interface HeldVersion extends RegisteredVersion {
  readonly blobs: readonly Digest[];
}

/** One of the versions of a function; `version-unknown` names those there are. */
export function pickVersion(
  name: FunctionName,
  versions: readonly RegisteredVersion[],
  version: number,
): RegisteredVersion {
  const found = versions.find((candidate) => candidate.version === version);
  if (found !== undefined) return found;
  const known = versions.map((candidate) => candidate.version).join(', ');
  throw new CloudletError('version-unknown', `expected a version of "${name}" (${known}), got ${version}`);
}

/** The version that a rollback goes to: the given one, or the newest that is older than the current; `version-unknown` when there is none. */
export function rollbackTarget({ name, current, versions }: RegisteredFunction, version?: number): RegisteredVersion {
  return version === undefined ? previousVersion(name, versions, current) : pickVersion(name, versions, version);
}

/** The newest version that is older than the current one; `version-unknown` when there is none. */
function previousVersion(
  name: FunctionName,
  versions: readonly RegisteredVersion[],
  current: number,
): RegisteredVersion {
  const older = versions.findLast((candidate) => candidate.version < current);
  if (older !== undefined) return older;
  throw new CloudletError(
    'version-unknown',
    `expected a version of "${name}" before ${current}, found none; name one of the versions to go to`,
  );
}
