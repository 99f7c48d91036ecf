export { canonicalBytes, canonicalJson } from './canonical-json.ts';
export {
  MAX_SIGNATURE_CHARS,
  newPublisherKey,
  type SignatureType,
  type Signer,
  signDetached,
  verifyDetached,
} from './detached-signature.ts';
export { Fingerprint, fingerprintOf, type PublisherKey, parsePublisherKey, publicPartOf } from './publisher-key.ts';
export { Sha256 } from './sha256.ts';
export {
  DocumentSignatures,
  documentSigners,
  MAX_DOCUMENT_SIGNATURES,
  type SignedDocument,
  signedBy,
} from './signed-document.ts';
