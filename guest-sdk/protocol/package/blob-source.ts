import type { Digest } from '../digest.ts';
import { CloudletError } from '../errors.ts';

/** Where the blobs of a package are: in a tar, a store, a registry. */
export interface BlobSource {
  /** Bytes of a blob; undefined when there is none. */
  sizeOf(digest: Digest): number | undefined | Promise<number | undefined>;
  /** All bytes of a blob that is there. */
  read(digest: Digest): Promise<Uint8Array>;
}

/** Blobs that are in memory. */
export function blobsInMemory(blobs: ReadonlyMap<Digest, Uint8Array>): BlobSource {
  return {
    sizeOf: (digest) => blobs.get(digest)?.length,
    read: async (digest) => {
      const bytes = blobs.get(digest);
      if (bytes !== undefined) return bytes;
      throw new CloudletError('package-invalid', `expected a blob with digest ${digest}, got none`);
    },
  };
}

/** A JSON document of a package; `package-invalid` when it is none. */
export function parsePackageJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new CloudletError('package-invalid', `expected ${what} as JSON, got ${(error as Error).message}`, {
      cause: error,
    });
  }
}
