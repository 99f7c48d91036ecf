import { stat } from 'node:fs/promises';
import { CloudletError, type Digest } from '../../guest-sdk/protocol/index.ts';
import { type BlobStore, isMissing, type WrittenBlob } from '../store/index.ts';

/** How long a blob is kept that no manifest names, milliseconds. */
export const PUSHED_MS = 60 * 60 * 1000;

/** Blobs at once that wait for their manifest. */
const MAX_PUSHED = 1024;

/** What takes blobs before their manifest is there. */
export interface PushedBlobsParts {
  readonly blobs: BlobStore;
  readonly inUse: (digest: Digest) => boolean;
  /** Most bytes that wait. */
  readonly mostBytes: number;
  /** Milliseconds, of a clock that only goes on. */
  readonly now: () => number;
}

interface Pushed {
  readonly repository: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly until: number;
  readonly release: () => void;
}

/** Blobs that were pushed for a manifest that is to come: held, counted, given up when it does not come. */
export class PushedBlobs {
  readonly #parts: PushedBlobsParts;
  readonly #pushed = new Map<string, Pushed>();

  constructor(parts: PushedBlobsParts) {
    this.#parts = parts;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return [...this.#pushed.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** Refuses with `storage-full` what is more than may wait. */
  checkRoom(more: number): void {
    this.sweep();
    const free = this.#parts.mostBytes - this.bytes;
    if (more > free)
      throw new CloudletError(
        'storage-full',
        `expected at most ${Math.max(0, free)} bytes, which is what blobs without a manifest have left here, got ${more}; push their manifests`,
      );
    if (this.#pushed.size >= MAX_PUSHED)
      throw new CloudletError('storage-full', `expected at most ${MAX_PUSHED} blobs without a manifest, got one more`);
  }

  /** Keeps a blob that was just written for a repository. */
  keep(repository: string, { digest, sizeBytes, release }: WrittenBlob): void {
    const key = `${repository}/${digest}`;
    this.#pushed.get(key)?.release();
    this.#pushed.set(key, { repository, digest, sizeBytes, release, until: this.#parts.now() + PUSHED_MS });
  }

  /** Whether a blob waits for a manifest of a repository. */
  has(repository: string, digest: Digest): boolean {
    this.sweep();
    return this.#pushed.has(`${repository}/${digest}`);
  }

  /** Lets go of blobs: a manifest has them now, or they are wanted no more. */
  release(repository: string, digests: Iterable<Digest>): void {
    for (const digest of digests) this.#drop(this.#pushed.get(`${repository}/${digest}`));
  }

  /** Removes blobs whose manifest did not come in time. */
  sweep(): void {
    const now = this.#parts.now();
    for (const each of [...this.#pushed.values()]) if (each.until <= now) this.#drop(each);
  }

  /** Removes all of them. Idempotent. */
  close(): void {
    for (const each of [...this.#pushed.values()]) this.#drop(each);
  }

  #drop(pushed: Pushed | undefined): void {
    if (pushed === undefined) return;
    this.#pushed.delete(`${pushed.repository}/${pushed.digest}`);
    pushed.release();
    this.#parts.blobs.remove(pushed.digest, this.#parts.inUse);
  }
}

/** The length of a blob that is in the store; undefined when it is not. */
export async function sizeOfBlob(blobs: BlobStore, digest: Digest): Promise<number | undefined> {
  try {
    return (await stat(blobs.path(digest))).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
