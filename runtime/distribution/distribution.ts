import { join } from 'node:path';
import type { CloudletError, Digest, FunctionName } from '../../guest-sdk/protocol/index.ts';
import { type StoredFile, VerifiedFiles } from '../store/index.ts';
import { BareComponents } from './bare-component.ts';
import { type AcceptedManifest, type PushedManifest, type PushParts, pushManifest } from './push.ts';
import { PushedBlobs, sizeOfBlob } from './pushed-blobs.ts';
import type { Reference } from './reference.ts';
import { RegistryRefusal } from './refusal.ts';
import { type FoundManifest, type Referrer, Repositories } from './repositories.ts';
import { asDigestRefusal, Uploads } from './uploads.ts';
import { WaitingSignatures } from './waiting-signatures.ts';

/** What a registry works on. */
export interface DistributionParts extends Pick<PushParts, 'data' | 'limits' | 'signed' | 'publish'> {
  /** Removes a version that no calls go to. */
  readonly removeVersion: (name: FunctionName, version: number) => Promise<void>;
  /** Milliseconds, of a clock that only goes on. */
  readonly now?: () => number;
}

/** Most bytes that wait for a manifest, in packages of the largest kind. */
const WAITING_PACKAGES = 4;

/** The functions as an OCI registry has them, over the blobs that they are made of. */
export class Distribution {
  readonly #parts: DistributionParts;
  readonly #repositories: Repositories;
  readonly #pushed: PushedBlobs;
  readonly #waiting: WaitingSignatures;
  readonly #files: VerifiedFiles;
  /** Opened with the first upload. */
  #uploads: Promise<Uploads> | undefined;

  constructor(parts: DistributionParts) {
    const { data, limits, now = () => performance.now() } = parts;
    this.#parts = parts;
    this.#repositories = new Repositories(data, new BareComponents((digest) => data.blobs.read(digest)));
    this.#waiting = new WaitingSignatures(now);
    this.#files = new VerifiedFiles(data.blobs);
    this.#pushed = new PushedBlobs({
      blobs: data.blobs,
      inUse: (digest) => data.registry.inUse(digest),
      mostBytes: WAITING_PACKAGES * Math.max(limits.componentBytes, limits.packageBytes),
      now,
    });
  }

  /** Names of all repositories, sorted. */
  repositories(): string[] {
    return this.#repositories.names();
  }

  /** The tags of a repository, sorted; `NAME_UNKNOWN` when there is none. */
  tags(name: FunctionName): string[] {
    return this.#repositories.tags(name);
  }

  /** A manifest; `NAME_UNKNOWN` or `MANIFEST_UNKNOWN` when there is none. */
  async manifest(name: FunctionName, reference: Reference): Promise<FoundManifest> {
    const found = await this.#repositories.manifest(name, reference);
    if (found !== undefined) return found;
    throw unknownManifest(name);
  }

  /** Takes a manifest; see `pushManifest`. */
  push(
    name: FunctionName,
    reference: Reference,
    manifest: PushedManifest,
    signal?: AbortSignal,
  ): Promise<AcceptedManifest> {
    const parts = { ...this.#parts, repositories: this.#repositories, pushed: this.#pushed, waiting: this.#waiting };
    return pushManifest(parts, name, reference, manifest, signal);
  }

  /** Removes a tag, a signature, or the versions that a digest is; `UNSUPPORTED` for what the cloudlet itself names, and for what calls go to. */
  async removeManifest(name: FunctionName, reference: Reference): Promise<void> {
    const { registry } = this.#parts.data;
    if (reference.kind === 'tag') {
      if (registry.tags.remove(name, reference.tag)) return;
      throw unknownManifest(name);
    }
    if (reference.kind !== 'digest')
      throw unsupported('numbers and "latest" are the cloudlet\'s own tags: remove a version by its digest');
    const { digest } = reference;
    await this.manifest(name, reference);
    const versions = await this.#repositories.versionsOf(name, digest);
    if (versions.length === 0) {
      registry.publishers.remove(digest);
      return;
    }
    if (versions.includes(registry.get(name).current))
      throw unsupported(
        `it is the version that calls go to; roll back first, or remove the function with: npx cloudlet rm ${name}`,
      );
    for (const version of versions) await this.#parts.removeVersion(name, version);
  }

  /** A blob of a repository; to whom may push, also one that waits for its manifest. `BLOB_UNKNOWN` when there is none. */
  async blob(name: FunctionName, digest: Digest, mayPush: boolean): Promise<StoredFile> {
    if (!(mayPush && this.#pushed.has(name, digest))) {
      const found = await this.#repositories.blob(name, digest).catch((error: CloudletError) => {
        // Somebody who pushes the first version asks before there is a repository.
        if (mayPush && error.code === 'function-unknown') return undefined;
        throw error;
      });
      if (found === undefined) throw unknownBlob(digest);
      if (found !== 'stored') {
        const { bytes } = found;
        const read = async function* ({ start, end }: { start: number; end: number }) {
          yield bytes.subarray(start, end);
        };
        return { name: digest, digest, bytes: bytes.length, mediaType: 'application/octet-stream', read };
      }
    }
    const bytes = await sizeOfBlob(this.#parts.data.blobs, digest);
    if (bytes === undefined) throw unknownBlob(digest);
    await this.#files.verify(digest);
    const read = (span: { start: number; end: number }) => this.#files.read(digest, span);
    return { name: digest, digest, bytes, mediaType: 'application/octet-stream', read };
  }

  /** Gives up a blob that waits for its manifest; `UNSUPPORTED` for one that a version has. */
  removeBlob(name: FunctionName, digest: Digest): void {
    if (!this.#pushed.has(name, digest)) {
      if (this.#parts.data.registry.inUse(digest))
        throw unsupported('it is a part of a version; it goes with the last one that has it');
      throw unknownBlob(digest);
    }
    this.#pushed.release(name, [digest]);
  }

  /** Takes a blob that another repository has, without its bytes; false when that has none. */
  async mount(name: FunctionName, from: FunctionName, digest: Digest): Promise<boolean> {
    const { blobs } = this.#parts.data;
    const found = await this.#repositories.blob(from, digest).catch(() => undefined);
    if (found === undefined) return false;
    this.#pushed.checkRoom(0);
    if (found !== 'stored') {
      const one = async function* () {
        yield found.bytes;
      };
      this.#pushed.keep(name, await blobs.write(one(), { limitBytes: found.bytes.length }));
      return true;
    }
    const release = blobs.hold(digest);
    if ((await sizeOfBlob(blobs, digest)) === undefined) {
      release();
      return false;
    }
    // It takes no room that is not taken already.
    this.#pushed.keep(name, { digest, sizeBytes: 0, release });
    return true;
  }

  /** What refers to a manifest, of one type where that is asked for. */
  async referrers(name: FunctionName, subject: Digest, artifactType?: string): Promise<Referrer[]> {
    const all = await this.#repositories.referrers(name, subject);
    return artifactType === undefined ? all : all.filter((each) => each.artifactType === artifactType);
  }

  /** Takes a whole blob in one request; `DIGEST_INVALID` when it is another. */
  async receive(
    name: FunctionName,
    body: AsyncIterable<Uint8Array>,
    digest: Digest,
    signal?: AbortSignal,
  ): Promise<Digest> {
    this.#pushed.checkRoom(0);
    const { blobs } = this.#parts.data;
    const limitBytes = this.#blobBytes;
    const blob = await blobs.write(body, { limitBytes, expectedDigest: digest, signal }).catch((error: unknown) => {
      throw asDigestRefusal(error);
    });
    this.#keep(name, blob);
    return blob.digest;
  }

  /** Begins an upload in parts and gives its id. */
  async beginUpload(name: FunctionName): Promise<string> {
    this.#pushed.checkRoom(0);
    return await (await this.#opened()).begin(name);
  }

  /** How many bytes of an upload are here; `BLOB_UPLOAD_UNKNOWN` when there is none. */
  async uploaded(name: FunctionName, id: string): Promise<number> {
    return (await this.#opened()).received(name, id);
  }

  /** Takes more of an upload; `from` is where it begins, null when that was not said. */
  async append(name: FunctionName, id: string, body: AsyncIterable<Uint8Array>, from: number | null): Promise<number> {
    return await (await this.#opened()).append(name, id, body, from);
  }

  /** Ends an upload, with what may be left of it. */
  async finishUpload(name: FunctionName, id: string, body: AsyncIterable<Uint8Array>, digest: Digest): Promise<Digest> {
    const blob = await (await this.#opened()).finish(name, id, body, digest);
    this.#keep(name, blob);
    return blob.digest;
  }

  /** Gives an upload up. */
  async cancelUpload(name: FunctionName, id: string): Promise<void> {
    await (await this.#opened()).cancel(name, id);
  }

  /** Longest manifest or blob that is taken, bytes. */
  get #blobBytes(): number {
    const { componentBytes, packageBytes } = this.#parts.limits;
    return Math.max(componentBytes, packageBytes);
  }

  /** Lets go of all that waits. */
  async close(): Promise<void> {
    this.#pushed.close();
    if (this.#uploads !== undefined) await (await this.#uploads).close();
  }

  #keep(name: FunctionName, blob: Parameters<PushedBlobs['keep']>[1]): void {
    try {
      this.#pushed.checkRoom(blob.sizeBytes);
    } catch (error) {
      blob.release();
      this.#parts.data.blobs.remove(blob.digest, (digest) => this.#parts.data.registry.inUse(digest));
      throw error;
    }
    this.#pushed.keep(name, blob);
  }

  #opened(): Promise<Uploads> {
    this.#uploads ??= Uploads.open({
      directory: join(this.#parts.data.path, 'uploads'),
      blobs: this.#parts.data.blobs,
      blobBytes: this.#blobBytes,
      checkRoom: (bytes) => this.#pushed.checkRoom(bytes),
      now: this.#parts.now ?? (() => performance.now()),
    });
    return this.#uploads;
  }
}

function unknownManifest(name: string): RegistryRefusal {
  return new RegistryRefusal(
    'MANIFEST_UNKNOWN',
    'not-found',
    `expected a version of "${name}", found none of this tag or digest`,
  );
}

function unknownBlob(digest: Digest): RegistryRefusal {
  return new RegistryRefusal(
    'BLOB_UNKNOWN',
    'not-found',
    `expected a blob of this repository, found none with digest ${digest}`,
  );
}

function unsupported(why: string): RegistryRefusal {
  return new RegistryRefusal('UNSUPPORTED', 'method-not-allowed', why);
}
