import {
  CloudletError,
  canonicalBytes,
  digestOfBytes,
  type EntryFile,
  type EntryInfo,
  type EntryManifest,
  manifestDigest,
  parseEntryManifest,
  Sha256,
  verifyDetached,
} from '../protocol/index.ts';
import type { HostAddress } from './request.ts';

/** Whom a device takes an entry from. */
export interface PublisherCheck {
  /**
   * Fingerprints of keys that the device knows. `anyone` takes every entry, also an unsigned one, as whose signature fits: then the
   * device believes the cloudlet.
   */
  readonly publishers: readonly string[] | 'anyone';
}

/** An entry that was verified, and its files. */
export interface OpenedEntry {
  readonly manifest: EntryManifest;
  readonly revision: number;
  /** Fingerprint of who signed; null when nobody did, and `anyone` was asked for. */
  readonly publisher: string | null;
  /**
   * The bytes of a file, from its beginning. The last piece is given only when all of them are those that were signed; else this
   * throws `storage-corrupt`, and what was given before is to be thrown away. A transfer that breaks off is gone on with.
   */
  readonly file: (file: Pick<EntryFile, 'digest' | 'bytes'>, signal?: AbortSignal) => AsyncGenerator<Uint8Array>;
}

/** Times that a transfer is gone on with which brought nothing in between. */
const TRIES = 3;

/** Verifies what a cloudlet says of an entry: the manifest itself, its name, its digest, its signature, and who signed. */
export async function openEntry(
  host: HostAddress,
  name: string,
  { manifest: given, digest, signature, revision }: EntryInfo,
  { publishers }: PublisherCheck,
): Promise<OpenedEntry> {
  const manifest = parseEntryManifest(given);
  if (manifest.name !== name) throw invalid(`the entry "${name}", got "${manifest.name}"`);
  if (manifestDigest(manifest) !== digest) throw invalid(`a manifest with digest ${digest}, got another`);
  const publisher =
    signature === null ? null : (await verifyDetached(signature, canonicalBytes(manifest), 'entry')).fingerprint;
  if (publishers !== 'anyone' && (publisher === null || !publishers.includes(publisher)))
    throw invalid(`"${name}" to be signed by ${publishers.join(' or ')}, got ${publisher ?? 'no signature'}`);
  return { manifest, revision, publisher, file: (file, signal) => verifiedFile(host, name, file, signal) };
}

async function* verifiedFile(
  host: HostAddress,
  name: string,
  { digest, bytes }: Pick<EntryFile, 'digest' | 'bytes'>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const hash = new Sha256();
  let received = 0;
  let held: Uint8Array | undefined;
  for await (const piece of wholeFile(host, `/v1/store/${encodeURIComponent(name)}/files/${digest}`, bytes, signal)) {
    received += piece.length;
    if (received > bytes) throw corrupt(digest, `more than ${bytes} bytes`);
    hash.update(piece);
    if (held !== undefined) yield held;
    held = piece;
  }
  if (received < bytes) throw corrupt(digest, `${received} of ${bytes} bytes`);
  if (digestOfBytes(hash.digest()) !== digest) throw corrupt(digest, 'others');
  if (held !== undefined) yield held;
}

/** A file in as many ranges as it takes. */
async function* wholeFile(
  host: HostAddress,
  path: string,
  bytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let received = 0;
  for (let tries = 1; ; tries += 1) {
    const headers: Record<string, string> = received === 0 ? {} : { range: `bytes=${received}-` };
    try {
      const response = await host.send({ path, headers, signal });
      // Who does not know ranges begins again.
      let skip = received > 0 && response.status !== 206 ? received : 0;
      for await (const piece of response.body) {
        const fresh = piece.subarray(Math.min(skip, piece.length));
        skip -= piece.length - fresh.length;
        if (fresh.length === 0) continue;
        received += fresh.length;
        tries = 0;
        yield fresh;
      }
      if (received >= bytes) return;
    } catch (error) {
      signal?.throwIfAborted();
      // Over `fetch` a body that breaks off ends with an error of the platform.
      const lost = !(error instanceof CloudletError) || error.code === 'network-unavailable';
      if (!lost || tries >= TRIES) throw error;
    }
    if (tries >= TRIES) return;
  }
}

function corrupt(digest: string, got: string): CloudletError {
  return new CloudletError('storage-corrupt', `expected the bytes of ${digest}, got ${got}`);
}

function invalid(expected: string): CloudletError {
  return new CloudletError('signature-invalid', `expected ${expected}`);
}
