import type { ReadPackage } from '../../../guest-sdk/protocol/index.ts';

/** What a version's package is made of, as the registry keeps it: the parts themselves are blobs. */
export type StoredPackage = Pick<ReadPackage, 'component' | 'grant' | 'layers'>;

/** A stored package as text. */
export function formatPackage(stored: StoredPackage): string {
  return JSON.stringify(stored);
}

/** Reads what `formatPackage` wrote. The text is our own, from the registry. */
export function parsePackage(text: string): StoredPackage {
  return JSON.parse(text) as StoredPackage;
}
