import { CloudletError } from '../../guest-sdk/protocol/index.ts';

/**
 * Whose entries a cloudlet takes: anybody's, also unsigned ones; those signed with a key that the owner has accepted once; or those
 * signed with one of a list.
 */
export type PublisherPolicy = 'anyone' | 'accepted' | readonly string[];

/** What a catalogue lets in. */
export interface CataloguePolicy {
  readonly publishers: PublisherPolicy;
  /** Most bytes of all its files together. */
  readonly bytes: number;
}

/** What is known when an entry is put. */
export interface PublisherQuestion {
  readonly name: string;
  readonly policy: PublisherPolicy;
  /** Fingerprint of the key that signed; null when nobody did. */
  readonly signed: string | null;
  /** Who signed what is under this name now; undefined when nothing is. */
  readonly present: string | null | undefined;
  readonly accepts: (fingerprint: string) => boolean;
  /** A key that the owner accepts with this request. */
  readonly trust: string | undefined;
}

/**
 * Lets an entry pass, or says why not with `signature-invalid`. A name belongs to the key that signed first: nobody else can put
 * something else there, and not nobody either.
 */
export function checkPublisher(question: PublisherQuestion): void {
  const { name, policy, signed, present, trust } = question;
  if (typeof present === 'string' && signed !== present) {
    const got = signed === null ? 'no signature' : `one by the key ${signed}`;
    throw refused(
      `expected "${name}" to be signed by the key ${present}, as what it replaces, got ${got}; if its publisher has another key now, remove the entry first`,
    );
  }
  if (trust !== undefined && trust !== signed)
    throw refused(`expected the entry to be signed by the accepted key ${trust}, got ${signed ?? 'no signature'}`);
  if (accepts(policy, signed, (key) => key === trust || question.accepts(key))) return;
  if (signed === null) throw refused('expected a signed entry, as the policy of this cloudlet asks, got no signature');
  throw refused(
    policy === 'accepted'
      ? `expected a key that the owner has accepted, got ${signed}; compare this fingerprint with what its publisher says, then accept it with --trust ${signed}`
      : `expected one of the ${policy.length} keys that the policy of this cloudlet lists, got ${signed}`,
  );
}

/** Whether the policy lets an entry be that this key signed. */
export function accepts(
  policy: PublisherPolicy,
  signed: string | null,
  accepted: (fingerprint: string) => boolean,
): boolean {
  if (policy === 'anyone') return true;
  if (signed === null) return false;
  return policy === 'accepted' ? accepted(signed) : policy.includes(signed);
}

function refused(sentence: string): CloudletError {
  return new CloudletError('signature-invalid', sentence);
}
