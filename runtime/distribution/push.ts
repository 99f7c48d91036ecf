import {
  blobOf,
  CloudletError,
  type Digest,
  type FunctionName,
  MAX_PACKAGE_JSON_BYTES,
  MEDIA_TYPES,
  type PackageLimits,
  type Published,
  parsePackageJson,
  readManifest,
  readSignature,
  type VerifiedSignature,
  verifySignature,
} from '../../guest-sdk/protocol/index.ts';
import type { ReceivedPackage } from '../provision/index.ts';
import type { DataDir } from '../store/index.ts';
import { type PushedBlobs, sizeOfBlob } from './pushed-blobs.ts';
import type { Reference } from './reference.ts';
import { RegistryRefusal } from './refusal.ts';
import type { Repositories } from './repositories.ts';
import type { WaitingSignatures } from './waiting-signatures.ts';

/** What a push works on. */
export interface PushParts {
  readonly data: DataDir;
  readonly repositories: Repositories;
  readonly pushed: PushedBlobs;
  readonly waiting: WaitingSignatures;
  readonly limits: PackageLimits;
  /** Hears that a version has a signature that it had not. */
  readonly signed: (name: FunctionName, digest: Digest) => void;
  /** Makes a received package a version, as every publish does. */
  readonly publish: (
    name: FunctionName,
    received: ReceivedPackage,
    options: { readonly tag?: string; readonly signal?: AbortSignal },
  ) => Promise<Published>;
}

/** A manifest as it was pushed. */
export interface PushedManifest {
  readonly bytes: Uint8Array;
  /** What its sender says it is; undefined when nothing was said. */
  readonly mediaType: string | undefined;
}

/** What became of it. */
export interface AcceptedManifest {
  readonly digest: Digest;
  /** What it refers to: the package of a signature. */
  readonly subject: Digest | null;
}

/**
 * Takes a manifest whose blobs are here: a package becomes a version of the function, by the same checks as every publish; a signature is
 * kept with its package, or until that comes. Images and artifacts of others are refused with the reason, as `MANIFEST_INVALID`.
 */
export async function pushManifest(
  parts: PushParts,
  name: FunctionName,
  reference: Reference,
  { bytes, mediaType }: PushedManifest,
  signal?: AbortSignal,
): Promise<AcceptedManifest> {
  const manifest = await blobOf(bytes);
  const { digest } = manifest;
  if (reference.kind === 'digest' && reference.digest !== digest)
    throw new RegistryRefusal(
      'DIGEST_INVALID',
      'request-invalid',
      `expected a manifest with digest ${reference.digest}, got one with ${digest}`,
    );
  if (mediaType !== undefined && mediaType !== MEDIA_TYPES.manifest)
    throw foreign(`a manifest of type ${MEDIA_TYPES.manifest}, got ${JSON.stringify(mediaType.slice(0, 100))}`);
  const value = parsePackageJson(bytes, 'the manifest') as { readonly artifactType?: unknown } | null;
  if (value?.artifactType === MEDIA_TYPES.signature) return await pushSignature(parts, name, bytes);
  const existing = await parts.repositories.versionsOf(name, digest);
  if (reference.kind === 'version') checkNumber(reference.version, existing);
  const { data, waiting } = parts;
  const kept = data.registry.publishers.signatures(digest);
  const signatures: VerifiedSignature[] = [...kept];
  for (const each of waiting.of(digest)) signatures.push(await verifySignature(each, manifest));
  const [present] = existing.slice(-1);
  if (present !== undefined && reference.kind !== 'latest') {
    // It is a version already: a tag, or a signature that came with it, is all that is new.
    data.registry.publishers.keep(signatures);
    parts.signed(name, digest);
    if (reference.kind === 'tag') data.registry.tags.set(name, reference.tag, present);
  } else {
    const received = await receive(parts, name, bytes, signatures, signal);
    const tag = reference.kind === 'tag' ? { tag: reference.tag } : {};
    try {
      await parts.publish(name, received, { ...tag, ...(signal === undefined ? {} : { signal }) });
    } finally {
      received.release();
    }
    parts.pushed.release(name, received.blobs);
  }
  waiting.release(digest);
  return { digest, subject: null };
}

async function pushSignature(parts: PushParts, name: FunctionName, bytes: Uint8Array): Promise<AcceptedManifest> {
  const { data, repositories, waiting } = parts;
  const signature = await readSignature(bytes, sourceOf(parts, name));
  const { digest, subject } = signature;
  const [version] = await repositories.versionsOf(name, subject);
  const found =
    version === undefined ? undefined : await repositories.manifest(name, { kind: 'digest', digest: subject });
  if (found === undefined) {
    waiting.add(signature);
    return { digest, subject };
  }
  const { publishers } = data.registry;
  const verified = await verifySignature(signature, { digest: subject, bytes: found.bytes });
  if (publishers.signatures(subject).length >= MAX_KEPT)
    throw new CloudletError('conflict', `expected at most ${MAX_KEPT} signatures of a package, got one more`);
  publishers.keep([verified]);
  parts.signed(name, subject);
  return { digest, subject };
}

/** Signatures of one package. */
const MAX_KEPT = 8;

async function receive(
  parts: PushParts,
  name: FunctionName,
  bytes: Uint8Array,
  signatures: readonly VerifiedSignature[],
  signal: AbortSignal | undefined,
): Promise<ReceivedPackage> {
  const { blobs } = parts.data;
  const written = await blobs.write(once(bytes), { limitBytes: MAX_PACKAGE_JSON_BYTES, signal });
  const holds = [written.release];
  const release = () => {
    for (const each of holds) each();
  };
  try {
    const named = { mediaType: MEDIA_TYPES.manifest, digest: written.digest, size: bytes.length };
    const source = sourceOf(parts, name, written.digest);
    const read = await readManifest(
      named,
      {
        sizeOf: async (digest) => {
          // Held from here on, so that nobody takes it away before it is a version's.
          holds.push(blobs.hold(digest));
          return await source.sizeOf(digest);
        },
        read: source.read,
      },
      parts.limits,
    );
    const { digest, sizeBytes, component, grant, layers } = read;
    return { digest, sizeBytes, blobs: read.blobs, stored: { component, grant, layers }, signatures, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** The blobs of one repository, and those that were pushed for it: who knows a digest has not thereby what another function has. */
function sourceOf(
  { data: { blobs, registry }, repositories, pushed }: PushParts,
  name: FunctionName,
  manifest?: Digest,
) {
  const isOwn = async (digest: Digest): Promise<boolean> => {
    if (digest === manifest || pushed.has(name, digest)) return true;
    if (registry.find(name) === undefined) return false;
    const found = await repositories.blob(name, digest);
    // Made for the asking, as the config of a component is that came without a package: whoever found it here does not send it.
    if (found !== undefined && found !== 'stored')
      pushed.keep(name, await blobs.write(once(found.bytes), { limitBytes: found.bytes.length }));
    return found !== undefined;
  };
  return {
    sizeOf: async (digest: Digest) => ((await isOwn(digest)) ? await sizeOfBlob(blobs, digest) : undefined),
    read: (digest: Digest) => blobs.read(digest),
  };
}

function checkNumber(version: number, existing: readonly number[]): void {
  if (existing.includes(version)) return;
  throw foreign(
    `"latest" or a tag that is no number, since this cloudlet numbers versions itself, got ${version}; push it as "latest"`,
  );
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function foreign(expected: string): RegistryRefusal {
  return new RegistryRefusal('MANIFEST_INVALID', 'package-invalid', `expected ${expected}`);
}
