import * as v from 'valibot';
import {
  blobsInMemory,
  CloudletError,
  Descriptor,
  type Digest,
  digestOf,
  layoutOf,
  MAX_PACKAGE_JSON_BYTES,
  MEDIA_TYPES,
  PackageManifest,
  type PackageSignature,
  parsePackageJson,
  readManifest,
  readSignature,
  strictParse,
  verifySignature,
  type WrittenPackage,
} from '../../protocol/index.ts';
import type { TransportResponse } from '../transport.ts';
import { RegistryAccess, type RegistryOptions } from './registry-access.ts';
import type { RegistryReference } from './registry-reference.ts';

/** How a package is pulled. */
export interface PullOptions extends RegistryOptions {
  /** Most bytes of all its parts; 256 MiB when left out. They are held in memory. */
  readonly maxBytes?: number;
  readonly onBytes?: (done: number, total: number) => void;
}

/** A package that was pulled, checked, and is ready to be published. */
export type PulledPackage = Omit<WrittenPackage, 'codeBytes' | 'dataBytes'>;

const Index = v.object({ manifests: v.array(Descriptor) });

/** Signatures that are looked at. */
const MAX_SIGNATURES = 8;

/**
 * Fetches a package from a registry with its signatures: every part is compared with its digest and its length, the manifest with the digest that was asked
 * for. `package-invalid` for what is no package of a function, `signature-invalid` for a signature that is not one, `not-found`, `unauthorized`,
 * `network-unavailable` for what the registry says.
 */
export async function pullPackage(reference: RegistryReference, options: PullOptions): Promise<PulledPackage> {
  const access = new RegistryAccess(reference, options, 'pull');
  const { maxBytes = 256 * 1024 * 1024, onBytes } = options;
  const wanted = reference.digest ?? reference.tag ?? 'latest';
  const headers = { accept: `${MEDIA_TYPES.manifest}, ${MEDIA_TYPES.index}` };
  const response = await access.ask({ path: `manifests/${wanted}`, headers }, [200]);
  const manifest = await access.read(response, MAX_PACKAGE_JSON_BYTES);
  const digest = await checkedDigest(manifest, reference, response);
  const type = response.header('content-type')?.split(';')[0]?.trim() ?? MEDIA_TYPES.manifest;
  if (type !== MEDIA_TYPES.manifest) throw invalid(`a package of a function, ${MEDIA_TYPES.manifest}, got ${type}`);
  const value = parsePackageJson(manifest, 'the manifest');
  const { config, layers } = strictParse(PackageManifest, value, 'the manifest', 'package-invalid');
  if (config.mediaType !== MEDIA_TYPES.config)
    throw invalid(
      `a package of a function, with a config ${MEDIA_TYPES.config}, got ${config.mediaType.slice(0, 100)}`,
    );
  const parts = new Map([config, ...layers].map((each) => [each.digest, each]));
  const total = [...parts.values()].reduce((sum, { size }) => sum + size, 0);
  if (total > maxBytes) throw invalid(`parts of at most ${maxBytes} bytes together, got ${total}`);
  const blobs = new Map<Digest, Uint8Array>([[digest, manifest]]);
  let done = 0;
  for (const part of parts.values()) {
    blobs.set(part.digest, await blobOf(access, part));
    done += part.size;
    onBytes?.(done, total);
  }
  const named = { mediaType: MEDIA_TYPES.manifest, digest, size: manifest.length };
  await readManifest(named, blobsInMemory(blobs), { componentBytes: maxBytes, packageBytes: maxBytes });
  return await layoutOf({ digest, bytes: manifest }, blobs, await signaturesOf(access, digest, manifest));
}

async function checkedDigest(
  manifest: Uint8Array,
  { digest: asked }: RegistryReference,
  response: TransportResponse,
): Promise<Digest> {
  const digest = await digestOf(manifest);
  const said = response.header('docker-content-digest');
  for (const expected of [asked, said?.startsWith('sha256:') === true ? said : null])
    if (expected !== null && expected !== digest)
      throw invalid(`a manifest with digest ${expected}, got one with ${digest}`);
  return digest;
}

async function blobOf(access: RegistryAccess, { digest, size }: Descriptor): Promise<Uint8Array> {
  const response = await access.ask({ path: `blobs/${digest}` }, [200]);
  const bytes = await access.read(response, size);
  const got = await digestOf(bytes);
  if (bytes.length === size && got === digest) return bytes;
  throw invalid(`a part of ${size} bytes with digest ${digest}, got ${bytes.length} with ${got}`);
}

/** The signatures that refer to a package, by the referrers of the registry, or else by the tag that stands for them. */
async function signaturesOf(access: RegistryAccess, digest: Digest, manifest: Uint8Array): Promise<PackageSignature[]> {
  const found: PackageSignature[] = [];
  for (const each of await referrersOf(access, digest)) {
    if (each.artifactType !== MEDIA_TYPES.signature || found.length === MAX_SIGNATURES) continue;
    const response = await access.ask(
      { path: `manifests/${each.digest}`, headers: { accept: MEDIA_TYPES.manifest } },
      [200],
    );
    const bytes = await access.read(response, MAX_PACKAGE_JSON_BYTES);
    if ((await digestOf(bytes)) !== each.digest) throw invalid(`a signature with digest ${each.digest}, got another`);
    const value = parsePackageJson(bytes, 'the manifest of a signature');
    const { layers } = strictParse(PackageManifest, value, 'the manifest of a signature', 'package-invalid');
    const [layer] = layers;
    if (layer!.size > MAX_PACKAGE_JSON_BYTES) throw invalid(`a short signature, got one of ${layer!.size} bytes`);
    const source = blobsInMemory(new Map([[layer!.digest, await blobOf(access, layer!)]]));
    const signature = await readSignature(bytes, source);
    await verifySignature(signature, { digest, bytes: manifest });
    found.push(signature);
  }
  return found;
}

/** Manifests that refer to another one. A registry that knows no referrers has them under a tag (distribution specification 1.1). */
export async function referrersOf(access: RegistryAccess, digest: Digest): Promise<Descriptor[]> {
  const type = encodeURIComponent(MEDIA_TYPES.signature);
  const headers = { accept: MEDIA_TYPES.index };
  for (const path of [`referrers/${digest}?artifactType=${type}`, `manifests/${digest.replace(':', '-')}`]) {
    const response = await access.ask({ path, headers }, [200, 404]);
    const bytes = await access.read(response, MAX_PACKAGE_JSON_BYTES);
    if (response.status === 404) continue;
    const value = parsePackageJson(bytes, 'the list of referrers');
    return strictParse(Index, value, 'the list of referrers', 'package-invalid').manifests;
  }
  return [];
}

function invalid(expected: string): CloudletError {
  return new CloudletError('package-invalid', `the registry: expected ${expected}`);
}
