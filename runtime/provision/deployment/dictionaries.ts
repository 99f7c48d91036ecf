import { CloudletError, type Digest, MAX_DICTIONARY_BYTES } from '../../../guest-sdk/protocol/index.ts';
import type { BlobStore } from '../../store/index.ts';

/** Components stored here that a device, which has them too, may compress with: of another version only the difference travels. */
export class Dictionaries {
  readonly #blobs: Pick<BlobStore, 'size' | 'read'>;
  readonly #isStored: (digest: Digest) => boolean;

  /** `isStored` says whether a blob is one that stays. */
  constructor(blobs: Pick<BlobStore, 'size' | 'read'>, isStored: (digest: Digest) => boolean) {
    this.#blobs = blobs;
    this.#isStored = isStored;
  }

  /** The first that is here; null when none is. */
  first(digests: readonly Digest[] = []): Digest | null {
    return digests.find((digest) => this.#has(digest)) ?? null;
  }

  /** The bytes of one; `conflict` when they are not, or no longer, here. */
  async read(digest: Digest): Promise<Uint8Array> {
    if (this.#has(digest)) return this.#blobs.read(digest);
    throw new CloudletError(
      'conflict',
      `expected a dictionary that is stored here, got ${digest}; send the parts without it`,
    );
  }

  #has(digest: Digest): boolean {
    return this.#isStored(digest) && this.#blobs.size(digest) <= MAX_DICTIONARY_BYTES;
  }
}
