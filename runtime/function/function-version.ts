import type { Digest, FunctionName, Grant } from '../../guest-sdk/protocol/index.ts';
import type { ComponentCompiler } from '../component/index.ts';
import type { CloudletLimits } from '../options.ts';
import type { OutsideServices } from '../outside/outside-service.ts';
import type { Stores } from '../outside/stores.ts';
import type { FunctionDescription } from '../provision/index.ts';
import { DEFAULT_REUSE, type LoadedVersion } from '../sandbox/index.ts';
import type { BlobStore, RegisteredVersion } from '../store/index.ts';

/** One version of a function, ready to be called. */
export interface FunctionVersion {
  readonly name: FunctionName;
  readonly version: number;
  readonly digest: Digest;
  readonly description: FunctionDescription;
  /**
   * What the pool runs. Its id names this content for ever: a function that is removed and published anew counts its
   * versions again.
   */
  readonly loaded: LoadedVersion;
}

/** A version of a function and what it was granted, for whoever makes what its guests may ask of the host. */
export interface GrantedVersion extends Pick<FunctionVersion, 'name' | 'version' | 'digest'> {
  readonly grant: Grant;
}

/** What the guests of a version may ask of the host; asked by each invocation, so that what was changed holds at once. */
export type VersionOutside = (version: GrantedVersion, stores: Stores) => OutsideServices;

/** The grant of a version that asks for nothing: no environment, no arguments, the cloudlet's limits. */
export function defaultGrant(limits: CloudletLimits): Grant {
  const { memoryMib, deadlineMs, concurrency, valueBytes, logBytes } = limits;
  return { environment: {}, arguments: [], limits: { memoryMib, deadlineMs, concurrency, valueBytes, logBytes } };
}

/** Which function and version a pool's id means. */
export function parseVersionId(id: string): { readonly name: FunctionName; readonly version: number } {
  const [name, version] = id.split('/');
  return { name: name as FunctionName, version: Number(version) };
}

/** The id under which the pool knows a version. */
export function versionId(name: FunctionName, { version, digest, publishedAt }: RegisteredVersion): string {
  return `${name}/${version}/${publishedAt}/${digest}`;
}

/** Makes a registered version callable. */
export function functionVersion(
  parts: {
    readonly blobs: BlobStore;
    readonly compiler: ComponentCompiler;
    readonly grant: Grant;
    readonly outside: VersionOutside;
    readonly stores: Stores;
  },
  name: FunctionName,
  registered: RegisteredVersion,
  description: FunctionDescription,
): FunctionVersion {
  const { version, digest } = registered;
  const artifact = () => parts.compiler.compile(() => parts.blobs.read(digest), digest);
  const { grant } = parts;
  const outside = () => parts.outside({ name, version, digest, grant }, parts.stores);
  const reuse = description.asynchronous ? { reuse: DEFAULT_REUSE } : {};
  const loaded = { id: versionId(name, registered), program: name, grant, artifact, outside, ...reuse };
  return { name, version, digest, description, loaded };
}
