export { canonicalBytes, canonicalJson } from './canonical-json.ts';
export {
  MAX_SIGNATURE_CHARS,
  newPublisherKey,
  type Signer,
  signDetached,
  verifyDetached,
} from './detached-signature.ts';
export * from './entry-api.ts';
export {
  blobsOf,
  EntryFile,
  EntryKind,
  EntryManifest,
  ICON_TYPES,
  MAX_ENTRY_FILES,
  MAX_ICON_BYTES,
  MAX_MANIFEST_BYTES,
  manifestDigest,
  parseEntryManifest,
} from './manifest.ts';
export { OS_NAME, OS_VERSION, runsOn, sortableOsVersion } from './os-version.ts';
export { Fingerprint, fingerprintOf, type PublisherKey, parsePublisherKey } from './publisher-key.ts';
export { Sha256 } from './sha256.ts';
