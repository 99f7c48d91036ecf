import type { Digest, GrantRequest } from '../../../guest-sdk/protocol/index.ts';

/** A layer of files in the blob store. */
export interface FilesLayer {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly compression: 'none' | 'gzip' | 'zstd';
}

/** What a version's package is made of, as the registry keeps it: the parts themselves are blobs. */
export interface StoredPackage {
  readonly component: { readonly digest: Digest; readonly sizeBytes: number };
  readonly grant: GrantRequest;
  readonly layers: readonly FilesLayer[];
}

/** A stored package as text. */
export function formatPackage(stored: StoredPackage): string {
  return JSON.stringify(stored);
}

/** Reads what `formatPackage` wrote. The text is our own, from the registry. */
export function parsePackage(text: string): StoredPackage {
  return JSON.parse(text) as StoredPackage;
}
