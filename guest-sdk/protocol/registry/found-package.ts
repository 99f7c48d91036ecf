import * as v from 'valibot';
import { type Digest, digestOf } from '../digest.ts';
import { CloudletError } from '../errors.ts';
import { strictParse } from '../grant/index.ts';
import {
  blobsInMemory,
  Descriptor,
  MAX_PACKAGE_JSON_BYTES,
  MEDIA_TYPES,
  PackageManifest,
  parsePackageJson,
  readSignature,
  type VerifiedSignature,
  verifySignature,
} from '../package/index.ts';
import type { TransportResponse } from '../transport.ts';
import { blobBytes } from './blob-bytes.ts';
import type { RegistryAccess } from './registry-access.ts';
import type { RegistryReference } from './registry-reference.ts';

/** A package in a registry: its manifest, and what is to be fetched. */
export interface FoundPackage {
  readonly digest: Digest;
  readonly manifest: Uint8Array;
  /** Its parts, each once, in the order of the manifest. */
  readonly parts: readonly Descriptor[];
  /** Of all parts, as the manifest says. */
  readonly totalBytes: number;
}

const Index = v.object({ manifests: v.array(Descriptor) });

/** Signatures that are looked at. */
const MAX_SIGNATURES = 8;

/**
 * Finds a package by its tag or digest; its manifest is compared with the digest that was asked for. `package-invalid` for what is no package of a function, or
 * has parts of more than `maxBytes` together; `not-found`, `forbidden`, `network-unavailable` for what the registry says.
 */
export async function findPackage(
  access: RegistryAccess,
  reference: RegistryReference,
  maxBytes: number,
): Promise<FoundPackage> {
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
  const parts = [...new Map([config, ...layers].map((each) => [each.digest, each])).values()];
  const totalBytes = parts.reduce((sum, { size }) => sum + size, 0);
  if (totalBytes > maxBytes) throw invalid(`parts of at most ${maxBytes} bytes together, got ${totalBytes}`);
  return { digest, manifest, parts, totalBytes };
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

/** The signatures of a package, verified: by the referrers of the registry, or else by the tag that stands for them. */
export async function signaturesIn(
  access: RegistryAccess,
  { digest, manifest }: Pick<FoundPackage, 'digest' | 'manifest'>,
): Promise<VerifiedSignature[]> {
  const found: VerifiedSignature[] = [];
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
    const layer = layers[0]!;
    if (layer.size > MAX_PACKAGE_JSON_BYTES) throw invalid(`a short signature, got one of ${layer.size} bytes`);
    const source = blobsInMemory(new Map([[layer.digest, await wholeBlob(access, layer)]]));
    found.push(await verifySignature(await readSignature(bytes, source), { digest, bytes: manifest }));
  }
  return found;
}

/** All bytes of a part, compared with its digest. Who asks has bounded its size. */
export async function wholeBlob(access: RegistryAccess, part: Descriptor): Promise<Uint8Array> {
  const whole = new Uint8Array(part.size);
  let at = 0;
  for await (const piece of blobBytes(access, part)) {
    whole.set(piece, at);
    at += piece.length;
  }
  const got = await digestOf(whole);
  if (got === part.digest) return whole;
  throw invalid(`a part of ${part.size} bytes with digest ${part.digest}, got one with ${got}`);
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
