import { stat } from 'node:fs/promises';
import { CloudletError, type Digest } from '../../guest-sdk/protocol/index.ts';
import { type BlobStore, isMissing, type WrittenBlob } from '../store/index.ts';

/** How long a file is kept that no entry names, milliseconds. */
export const STAGED_MS = 60 * 60 * 1000;

/** Files at once that wait for their entry. */
const MAX_STAGED = 1024;

/** What takes files before their entry is there. */
export interface StagedFilesParts {
  readonly blobs: BlobStore;
  readonly inUse: (digest: Digest) => boolean;
  /** Bytes that entries may still take. */
  readonly freeBytes: () => number;
  /** Milliseconds, of a clock that only goes on. */
  readonly now: () => number;
}

interface Staged {
  readonly blob: WrittenBlob;
  readonly until: number;
}

/** Files that were sent for an entry that is to come: held, counted against the quota, given up when their entry does not come. */
export class StagedFiles {
  readonly #parts: StagedFilesParts;
  readonly #staged = new Map<Digest, Staged>();
  /** Bytes that are promised to bodies which are arriving. */
  #arriving = 0;

  constructor(parts: StagedFilesParts) {
    this.#parts = parts;
  }

  /** Takes a file of exactly the declared length; `storage-full` when it does not fit, `body-truncated` when it is another. */
  async receive(
    body: AsyncIterable<Uint8Array>,
    bytes: number,
    digest: Digest | undefined,
    signal?: AbortSignal,
  ): Promise<WrittenBlob> {
    this.sweep();
    if (this.#staged.size >= MAX_STAGED)
      throw new CloudletError(
        'conflict',
        `expected at most ${MAX_STAGED} files that no entry names, got one more; put their entries`,
      );
    const free = this.#parts.freeBytes() - this.stagedBytes() - this.#arriving;
    if (bytes > free) throw quotaExceeded(bytes, free);
    this.#arriving += bytes;
    try {
      const expected = { expectedBytes: bytes, expectedDigest: digest };
      const blob = await this.#parts.blobs.write(body, { limitBytes: bytes, ...expected, signal });
      this.#hold(blob);
      return blob;
    } finally {
      this.#arriving -= bytes;
    }
  }

  /** The length of a stored file; undefined when it is not here. */
  async size(digest: Digest): Promise<number | undefined> {
    try {
      return (await stat(this.#parts.blobs.path(digest))).size;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Bytes that are held for entries to come and that no entry has. */
  stagedBytes(): number {
    return [...this.#staged.values()]
      .filter(({ blob }) => !this.#parts.inUse(blob.digest))
      .reduce((sum, { blob }) => sum + blob.sizeBytes, 0);
  }

  /** Lets go of files that an entry has now. */
  release(digests: Iterable<Digest>): void {
    for (const digest of digests) {
      this.#staged.get(digest)?.blob.release();
      this.#staged.delete(digest);
    }
  }

  /** Removes files whose entry did not come in time. */
  sweep(): void {
    const now = this.#parts.now();
    this.#drop([...this.#staged.values()].filter(({ until }) => until <= now));
  }

  /** Removes all of them. Idempotent. */
  close(): void {
    this.#drop([...this.#staged.values()]);
  }

  #hold(blob: WrittenBlob): void {
    this.#staged.get(blob.digest)?.blob.release();
    this.#staged.set(blob.digest, { blob, until: this.#parts.now() + STAGED_MS });
  }

  #drop(all: readonly Staged[]): void {
    for (const { blob } of all) {
      this.release([blob.digest]);
      this.#parts.blobs.remove(blob.digest, this.#parts.inUse);
    }
  }
}

/** That the store has no room. */
export function quotaExceeded(bytes: number, free: number): CloudletError {
  return new CloudletError(
    'storage-full',
    `expected at most ${Math.max(0, free)} bytes, which is what the store of this cloudlet has left, got ${bytes}; remove entries, or raise "catalogue.bytes" in the policy`,
  );
}
