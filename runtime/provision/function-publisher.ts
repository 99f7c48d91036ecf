import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { FunctionPublishers } from '../grant/index.ts';

/** What is known when a version shall become the one that calls go to. */
export interface PublisherQuestion {
  readonly name: string;
  readonly policy: FunctionPublishers;
  /** Fingerprints of the keys that signed it. */
  readonly signed: readonly string[];
  /** The key that the name belongs to; undefined when it is nobody's. */
  readonly pinned: string | undefined;
  /** How it would be signed. */
  readonly sign?: string;
}

/**
 * Lets a version pass and gives the key that it is taken as signed by, null for none; or says why not with `signature-invalid`. A name
 * belongs to the key that signed first, under every policy, until the owner says otherwise.
 */
export function checkFunctionPublisher({
  name,
  policy,
  signed,
  pinned,
  sign = 'npx cloudlet publish --key FILE',
}: PublisherQuestion): string | null {
  const allowed = typeof policy === 'string' ? signed : signed.filter((key) => policy.includes(key));
  if (pinned !== undefined && !signed.includes(pinned)) throw changed(name, pinned, signed);
  const chosen = pinned === undefined || !allowed.includes(pinned) ? allowed[0] : pinned;
  if (chosen !== undefined && (pinned === undefined || chosen === pinned)) return chosen;
  if (signed.length === 0 && policy === 'anyone') return null;
  if (signed.length === 0)
    throw refused(
      `expected "${name}" signed by its publisher, as the policy of this cloudlet asks, got no signature; sign it with: ${sign}`,
    );
  throw refused(
    `expected "${name}" signed by one of the ${policy.length} keys that the policy of this cloudlet lists, got ${signed.join(', ')}`,
  );
}

/** Whether the policy as it is now, and the owner, let a version be that these keys signed. */
export function isTrustedPublisher(question: PublisherQuestion): boolean {
  try {
    checkFunctionPublisher(question);
    return true;
  } catch {
    return false; // Whoever publishes is told why.
  }
}

function changed(name: string, pinned: string, signed: readonly string[]): CloudletError {
  const [got] = signed;
  if (got === undefined)
    return refused(
      `expected "${name}" to be signed by the key ${pinned}, which it belongs to, got no signature; sign it with that key (--key FILE), or let the name go with: npx cloudlet publisher forget ${name}`,
    );
  return refused(
    `expected "${name}" to be signed by the key ${pinned}, which it belongs to, got one by the key ${signed.join(', ')}; if its publisher has another key now, compare this fingerprint with what its publisher says, then accept it with: npx cloudlet publisher accept ${name} ${got}`,
  );
}

function refused(sentence: string): CloudletError {
  return new CloudletError('signature-invalid', sentence);
}
