import { type Digest, parseDigest } from '../digest.ts';
import { CloudletError } from '../errors.ts';

/** What is meant in a registry. */
export interface RegistryReference {
  /** `localhost:5000`. */
  readonly host: string;
  /** `library/photo`. */
  readonly repository: string;
  readonly tag: string | null;
  readonly digest: Digest | null;
}

const REFERENCE =
  /^oci:\/\/((?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?)\/([a-z0-9]+(?:(?:[._-]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._-]|__|-+)[a-z0-9]+)*)*)(?::([a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/;

/** Longest address. */
const MAX_CHARS = 512;

/** Whether a text is meant as an address in a registry. */
export function isRegistryAddress(text: string): boolean {
  return text.startsWith('oci://');
}

/** Reads `oci://HOST[:PORT]/NAME[:TAG][@DIGEST]`; without both it is `latest`. `request-invalid` for another text. */
export function parseRegistryReference(text: string): RegistryReference {
  const match = text.length > MAX_CHARS ? null : REFERENCE.exec(text);
  if (match === null)
    throw new CloudletError(
      'request-invalid',
      `expected oci://HOST[:PORT]/NAME[:TAG|@sha256:…], in lower case but for the tag, got ${JSON.stringify(text.slice(0, 200))}`,
    );
  const [, host, repository, tag, digest] = match as unknown as [string, string, string, string?, string?];
  const named = digest === undefined ? null : parseDigest(digest);
  return { host, repository, tag: tag ?? (named === null ? 'latest' : null), digest: named };
}

/** Whether a text is the host of such an address, with its port where it has one. */
export function isRegistryHost(text: string): boolean {
  return REFERENCE.test(`oci://${text}/name`);
}

/** The address of the registry: plain HTTP for this machine, and where it is asked for. */
export function registryOrigin({ host }: RegistryReference, insecure: boolean): string {
  const { hostname } = new URL(`http://${host}`);
  return `${insecure || isLoopbackName(hostname) ? 'http' : 'https'}://${host}`;
}

/** Whether a host of an address is this machine. */
export function isLoopbackName(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
