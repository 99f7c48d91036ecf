import type { FilesLayer, ReadPackage } from '../../../guest-sdk/protocol/index.ts';

/** What a version's package is made of, as the registry keeps it: the parts themselves are blobs. */
export interface StoredPackage extends Pick<ReadPackage, 'component' | 'grant'> {
  readonly layers: readonly FilesLayer[];
}

/** A stored package as text. */
export function formatPackage({ component, grant, layers }: StoredPackage): string {
  // Without what else a package describes them by: the registry has its versions in memory.
  const plain = layers.map(({ digest, sizeBytes, compression }) => ({ digest, sizeBytes, compression }));
  return JSON.stringify({ component, grant, layers: plain });
}

/** Reads what `formatPackage` wrote. The text is our own, from the registry. */
export function parsePackage(text: string): StoredPackage {
  return JSON.parse(text) as StoredPackage;
}
