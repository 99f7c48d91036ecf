import * as v from 'valibot';
import { MAX_SIGNATURE_CHARS, type SignatureType, signDetached, verifyDetached } from './detached-signature.ts';
import { fingerprintOf, publicPartOf } from './publisher-key.ts';

/** Most signatures of a document: each is checked before anything is done with it. */
export const MAX_DOCUMENT_SIGNATURES = 8;

/** Signatures that a document carries itself, in its member `signatures`: detached, over all of it but that member. */
export const DocumentSignatures = v.pipe(
  v.array(v.pipe(v.string(), v.maxLength(MAX_SIGNATURE_CHARS))),
  v.maxLength(MAX_DOCUMENT_SIGNATURES),
);

/** What a document's signatures are of, and those that it has. */
export interface SignedDocument {
  readonly type: SignatureType;
  readonly payload: Uint8Array;
  readonly signatures: readonly string[];
}

/** Fingerprints of the keys that signed a document, each once; `signature-invalid` when one of its signatures is of something else. */
export async function documentSigners({ type, payload, signatures }: SignedDocument): Promise<string[]> {
  const signers = signatures.map(async (signature) => (await verifyDetached(signature, payload, type)).fingerprint);
  return [...new Set(await Promise.all(signers))];
}

/** The signatures of a document with one by this private key (JWK), in place of an earlier one by it; those that it has are checked. */
export async function signedBy(document: SignedDocument, key: JsonWebKey): Promise<string[]> {
  const { type, payload, signatures } = document;
  const own = fingerprintOf(publicPartOf(key));
  const kept: string[] = [];
  for (const signature of signatures)
    if ((await verifyDetached(signature, payload, type)).fingerprint !== own) kept.push(signature);
  return [...kept, await signDetached(payload, key, type)];
}
