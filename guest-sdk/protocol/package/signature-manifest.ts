import { type Digest, parseDigest } from '../digest.ts';
import { CloudletError } from '../errors.ts';
import { strictParse } from '../grant/index.ts';
import { MAX_SIGNATURE_CHARS, verifyDetached } from '../signature/index.ts';
import { blobOf, descriptorOf, jsonBlob, jsonBytes, type KnownBlob } from './blob.ts';
import type { BlobSource } from './blob-source.ts';
import { parsePackageJson } from './blob-source.ts';
import { SignatureManifest } from './manifest.ts';
import { MEDIA_TYPES } from './media-types.ts';

/** A publisher's signature of a package, as a layout and a registry hold it: a manifest that refers to the package's. */
export interface PackageSignature {
  /** Of its own manifest. */
  readonly digest: Digest;
  /** Its own manifest, as it came. */
  readonly manifest: Uint8Array;
  /** The manifest that is signed. */
  readonly subject: Digest;
  /** Detached JWS over the bytes of that manifest. */
  readonly jws: string;
}

/** A signature that was checked, with the key that made it. */
export interface VerifiedSignature extends PackageSignature {
  readonly fingerprint: string;
}

/** Longest manifest of a signature, bytes. */
export const MAX_SIGNATURE_MANIFEST_BYTES = 16 * 1024;

/** The config of every signature. */
export const EMPTY_CONFIG = jsonBytes({});

/** The signature manifest of a JWS over a package's manifest; the same for the same two. */
export async function signatureOf(jws: string, manifest: KnownBlob): Promise<PackageSignature> {
  const layer = await blobOf(new TextEncoder().encode(jws));
  const own = await jsonBlob({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    artifactType: MEDIA_TYPES.signature,
    config: descriptorOf(MEDIA_TYPES.empty, await blobOf(EMPTY_CONFIG)),
    layers: [descriptorOf(MEDIA_TYPES.jose, layer)],
    subject: descriptorOf(MEDIA_TYPES.manifest, manifest),
  });
  return { digest: own.digest, manifest: own.bytes, subject: manifest.digest, jws };
}

/** The blobs of a signature: its manifest, its config, and the JWS. */
export async function blobsOfSignature({ digest, manifest, jws }: PackageSignature): Promise<KnownBlob[]> {
  return [{ digest, bytes: manifest }, await blobOf(EMPTY_CONFIG), await blobOf(new TextEncoder().encode(jws))];
}

/** Reads the manifest of a signature, and the JWS from where its blobs are; `package-invalid` says what is wrong. What it is of was not looked at. */
export async function readSignature(manifest: Uint8Array, source: BlobSource): Promise<PackageSignature> {
  if (manifest.length > MAX_SIGNATURE_MANIFEST_BYTES)
    throw invalid(`a manifest of at most ${MAX_SIGNATURE_MANIFEST_BYTES} bytes, got ${manifest.length}`);
  const value = parsePackageJson(manifest, 'the manifest of a signature');
  const parsed = strictParse(SignatureManifest, value, 'the manifest of a signature', 'package-invalid');
  const [layer] = parsed.layers;
  if (layer!.size > MAX_SIGNATURE_CHARS) throw invalid(`at most ${MAX_SIGNATURE_CHARS} characters, got ${layer!.size}`);
  if ((await source.sizeOf(layer!.digest)) !== layer!.size)
    throw invalid(`its layer ${layer!.digest} of ${layer!.size} bytes, got none or another`);
  const jws = new TextDecoder().decode(await source.read(layer!.digest));
  const { digest } = await blobOf(manifest);
  return { digest, manifest, subject: parseDigest(parsed.subject.digest), jws };
}

/** Checks that a signature is one of this package's manifest, and says by whom; `signature-invalid` when it is not. */
export async function verifySignature(signature: PackageSignature, manifest: KnownBlob): Promise<VerifiedSignature> {
  if (signature.subject !== manifest.digest)
    throw new CloudletError(
      'signature-invalid',
      `expected a signature of ${manifest.digest}, got one of ${signature.subject}`,
    );
  const { fingerprint } = await verifyDetached(signature.jws, manifest.bytes, 'package');
  return { ...signature, fingerprint };
}

function invalid(expected: string): CloudletError {
  return new CloudletError('package-invalid', `a signature: expected ${expected}`);
}
