import {
  blobsOfSignature,
  CloudletError,
  type Digest,
  type FunctionName,
  type KnownBlob,
  MEDIA_TYPES,
  type VerifiedSignature,
} from '../../guest-sdk/protocol/index.ts';
import type { DataDir, RegisteredFunction, RegisteredVersion } from '../store/index.ts';
import type { BareComponents } from './bare-component.ts';
import type { Reference } from './reference.ts';
import { RegistryRefusal } from './refusal.ts';

/** A manifest that was found. */
export interface FoundManifest {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  /** The version that it is; null when it is a signature. */
  readonly version: number | null;
}

/** Another manifest that refers to one. */
export interface Referrer {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * The functions as repositories: each version is a manifest, its parts are blobs, its signatures refer to it. A version whose bytes are still
 * on their way is in none, since nobody could pull all of it.
 */
export class Repositories {
  readonly #data: DataDir;
  readonly #bare: BareComponents;

  constructor(data: DataDir, bare: BareComponents) {
    this.#data = data;
    this.#bare = bare;
  }

  /** All names, sorted. */
  names(): string[] {
    return this.#data.registry.list().flatMap((found) => (this.#whole(found) === null ? [] : [found.name]));
  }

  /** The tags of a function, sorted: `latest`, the numbers of versions, and those that pushers gave. */
  tags(name: FunctionName): string[] {
    const { versions } = this.#get(name);
    const own = versions.map(({ version }) => String(version));
    return [...own, ...this.#data.registry.tags.list(name), 'latest'].sort((a, b) => (a < b ? -1 : 1));
  }

  /** A manifest by its tag or digest; undefined when there is none. */
  async manifest(name: FunctionName, reference: Reference): Promise<FoundManifest | undefined> {
    const found = this.#get(name);
    if (reference.kind === 'digest') return await this.#byDigest(found, reference.digest);
    const wanted =
      reference.kind === 'latest'
        ? found.current
        : reference.kind === 'version'
          ? reference.version
          : this.#data.registry.tags.find(name, reference.tag);
    const version = found.versions.find((each) => each.version === wanted);
    return version && (await this.#ofVersion(version));
  }

  /** A blob of a function's versions or signatures: its bytes when they are made for the asking, `stored` when it is in the store. */
  async blob(name: FunctionName, digest: Digest): Promise<KnownBlob | 'stored' | undefined> {
    const { registry } = this.#data;
    const { versions } = this.#get(name);
    for (const version of versions) {
      if (registry.versionBlobs.of(name, version).includes(digest)) return 'stored';
      if (version.package !== null) continue;
      const made = await this.#bare.of(version.digest);
      const blob = [made.manifest, made.config].find((each) => each.digest === digest);
      if (blob !== undefined) return blob;
    }
    for (const signature of await this.#signatures(versions)) {
      const blob = (await blobsOfSignature(signature)).find((each) => each.digest === digest);
      if (blob !== undefined) return blob;
    }
    return undefined;
  }

  /** The signatures of a manifest. A name that nobody has has none: the specification knows no other answer. */
  async referrers(name: FunctionName, subject: Digest): Promise<Referrer[]> {
    if (this.#data.registry.find(name) === undefined) return [];
    return this.#data.registry.publishers.signatures(subject).map(({ digest, manifest, fingerprint }) => ({
      mediaType: MEDIA_TYPES.manifest,
      digest,
      size: manifest.length,
      artifactType: MEDIA_TYPES.signature,
      annotations: { 'dev.cloudlet.publisher': fingerprint },
    }));
  }

  /** The versions that a manifest is. */
  async versionsOf(name: FunctionName, digest: Digest): Promise<number[]> {
    const all: number[] = [];
    const found = this.#data.registry.find(name);
    for (const each of (found && this.#whole(found))?.versions ?? [])
      if (each.digest === digest || (await this.#ofVersion(each)).digest === digest) all.push(each.version);
    return all;
  }

  async #byDigest({ versions }: RegisteredFunction, digest: Digest): Promise<FoundManifest | undefined> {
    const own = versions.find((each) => each.package !== null && each.digest === digest);
    if (own !== undefined) return await this.#ofVersion(own);
    for (const each of versions) {
      if (each.package !== null) continue;
      const made = await this.#ofVersion(each);
      if (made.digest === digest) return made;
    }
    const signature = (await this.#signatures(versions)).find((each) => each.digest === digest);
    return signature && { digest, bytes: signature.manifest, version: null };
  }

  async #ofVersion({ version, digest, package: packed }: RegisteredVersion): Promise<FoundManifest> {
    if (packed !== null) return { digest, bytes: await this.#data.blobs.read(digest), version };
    return { ...(await this.#bare.of(digest)).manifest, version };
  }

  async #signatures(versions: readonly RegisteredVersion[]): Promise<VerifiedSignature[]> {
    return versions.flatMap(({ digest }) => this.#data.registry.publishers.signatures(digest));
  }

  /** A function without its versions that have not all their bytes; null when that leaves none. */
  #whole(found: RegisteredFunction): RegisteredFunction | null {
    const arriving = this.#data.registry.arriving.of(found.name);
    if (arriving.size === 0) return found;
    const versions = found.versions.filter(({ version }) => !arriving.has(version));
    const newest = versions.at(-1);
    if (newest === undefined) return null;
    return { ...found, versions, current: arriving.has(found.current) ? newest.version : found.current };
  }

  #get(name: FunctionName): RegisteredFunction {
    try {
      const found = this.#whole(this.#data.registry.get(name));
      if (found !== null) return found;
      throw new CloudletError(
        'function-unknown',
        `no version of the function ${name} is here whole yet; try again later`,
      );
    } catch (error) {
      if (!(error instanceof CloudletError)) throw error;
      throw new RegistryRefusal('NAME_UNKNOWN', 'function-unknown', error.message);
    }
  }
}
