import {
  blobsOfSignature,
  CloudletError,
  type Digest,
  MEDIA_TYPES,
  type PackageSignature,
  RegistryAccess,
  type RegistryOptions,
  type RegistryReference,
  referrersOf,
} from '../../protocol/index.ts';
import type { PulledPackage } from './pull-package.ts';
import { type UploadMemory, uploadBlob } from './upload-blob.ts';

/** How a package is pushed. */
export interface PushOptions extends RegistryOptions {
  readonly onBytes?: (done: number, total: number) => void;
  /** Where uploads that end with this process are remembered, so that the next push goes on with them. */
  readonly memory?: UploadMemory | undefined;
}

/** What a push came to. */
export interface PushedPackage {
  readonly digest: Digest;
  /** Bytes of parts that the registry did not have. */
  readonly sentBytes: number;
  /** Of all parts, with those of the signatures. */
  readonly totalBytes: number;
}

/**
 * Puts a package into a registry with its signatures; parts that are there are not sent. Signatures go first, since a cloudlet may take signed packages
 * only; a registry that knows no referrers gets them under the tag that stands for them. A part that breaks off goes on where the registry has it.
 */
export async function pushPackage(
  reference: RegistryReference,
  written: PulledPackage,
  options: PushOptions,
): Promise<PushedPackage> {
  const { digest, manifest, blobs, signatures } = written;
  if (reference.digest !== null && reference.digest !== digest)
    throw new CloudletError('request-invalid', `expected a package with digest ${reference.digest}, got ${digest}`);
  const access = new RegistryAccess(reference, options, 'pull,push');
  const parts = [...blobs].filter(([each]) => each !== digest);
  const total = parts.reduce((sum, [, { length }]) => sum + length, 0);
  let done = 0;
  let sentBytes = 0;
  for (const [each, bytes] of parts) {
    const onBytes = (here: number) => options.onBytes?.(done + here, total);
    if (await uploadBlob(access, { digest: each, bytes, onBytes, memory: options.memory })) sentBytes += bytes.length;
    done += bytes.length;
    options.onBytes?.(done, total);
  }
  const unlisted: PackageSignature[] = [];
  for (const each of signatures) if (!(await pushSignature(access, each))) unlisted.push(each);
  await putManifest(access, reference.tag ?? digest, manifest, MEDIA_TYPES.manifest);
  if (unlisted.length > 0) await listUnderTag(access, digest, unlisted);
  return { digest, sentBytes, totalBytes: total };
}

/** Puts a signature; says whether the registry itself lists what refers to a manifest. */
async function pushSignature(access: RegistryAccess, signature: PackageSignature): Promise<boolean> {
  for (const { digest, bytes } of await blobsOfSignature(signature))
    if (digest !== signature.digest) await uploadBlob(access, { digest, bytes });
  return (await putManifest(access, signature.digest, signature.manifest, MEDIA_TYPES.manifest)) !== null;
}

async function putManifest(
  access: RegistryAccess,
  reference: string,
  bytes: Uint8Array,
  type: string,
): Promise<string | null> {
  const headers = { 'content-type': type, 'content-length': String(bytes.length) };
  const response = await access.ask({ method: 'PUT', path: `manifests/${reference}`, headers, body: bytes }, [201]);
  await access.read(response, 64 * 1024);
  return response.header('oci-subject');
}

async function listUnderTag(
  access: RegistryAccess,
  digest: Digest,
  signatures: readonly PackageSignature[],
): Promise<void> {
  const own = signatures.map(({ digest: each, manifest }) => ({
    mediaType: MEDIA_TYPES.manifest,
    digest: each,
    size: manifest.length,
    artifactType: MEDIA_TYPES.signature,
  }));
  const others = (await referrersOf(access, digest)).filter((each) => !own.some((one) => one.digest === each.digest));
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [...others, ...own] };
  const bytes = new TextEncoder().encode(JSON.stringify(index));
  await putManifest(access, digest.replace(':', '-'), bytes, MEDIA_TYPES.index);
}
