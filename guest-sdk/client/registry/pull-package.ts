import {
  blobsInMemory,
  type Digest,
  findPackage,
  layoutOf,
  MEDIA_TYPES,
  RegistryAccess,
  type RegistryOptions,
  type RegistryReference,
  readManifest,
  signaturesIn,
  type WrittenPackage,
  wholeBlob,
} from '../../protocol/index.ts';

/** How a package is pulled. */
export interface PullOptions extends RegistryOptions {
  /** Most bytes of all its parts; 256 MiB when left out. They are held in memory. */
  readonly maxBytes?: number;
  readonly onBytes?: (done: number, total: number) => void;
}

/** A package that was pulled, checked, and is ready to be published. */
export type PulledPackage = Omit<WrittenPackage, 'codeBytes' | 'dataBytes'>;

/**
 * Fetches a package from a registry with its signatures: every part is compared with its digest and its length, the manifest with the digest that was asked
 * for; a part that breaks off is gone on with. `package-invalid` for what is no package of a function, `signature-invalid` for a signature that is not one,
 * `not-found`, `forbidden`, `network-unavailable` for what the registry says.
 */
export async function pullPackage(reference: RegistryReference, options: PullOptions): Promise<PulledPackage> {
  const access = new RegistryAccess(reference, options, 'pull');
  const { maxBytes = 256 * 1024 * 1024, onBytes } = options;
  const found = await findPackage(access, reference, maxBytes);
  const { digest, manifest, parts, totalBytes } = found;
  const blobs = new Map<Digest, Uint8Array>([[digest, manifest]]);
  let done = 0;
  for (const part of parts) {
    blobs.set(part.digest, await wholeBlob(access, part));
    done += part.size;
    onBytes?.(done, totalBytes);
  }
  const named = { mediaType: MEDIA_TYPES.manifest, digest, size: manifest.length };
  await readManifest(named, blobsInMemory(blobs), { componentBytes: maxBytes, packageBytes: maxBytes });
  return await layoutOf({ digest, bytes: manifest }, blobs, await signaturesIn(access, found));
}
