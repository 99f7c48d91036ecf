import { existsSync } from 'node:fs';
import {
  blobsOf,
  CloudletError,
  canonicalBytes,
  type Digest,
  type EntryManifest,
  type EntryPut,
  type EntryRequest,
  manifestDigest,
  parseEntryManifest,
  verifyDetached,
} from '../../guest-sdk/protocol/index.ts';
import type { DataDir, PageBlob, RegisteredEntry, VerifiedFiles } from '../store/index.ts';
import { recordOf } from './entry-record.ts';
import { checkIcon, ICON_HEAD_BYTES } from './icon.ts';
import { type CataloguePolicy, checkPublisher } from './publisher-policy.ts';
import { quotaExceeded, type StagedFiles } from './staged-files.ts';
import { type UnpackedPages, unpackPages } from './web/web-archive.ts';

/** What a put works on. */
export interface PutParts {
  readonly data: Pick<DataDir, 'blobs' | 'registry'>;
  readonly policy: CataloguePolicy;
  readonly staged: StagedFiles;
  readonly files: VerifiedFiles;
}

const NO_PAGES: ReadonlyMap<string, PageBlob> = new Map();

/**
 * Puts an entry: manifest → signature → publisher → files that are here → pages unpacked → registered, in one step that the readers see
 * whole. Who signed is settled before a file is asked for, so that nobody sends gigabytes to be refused.
 */
export async function putEntry(
  parts: PutParts,
  name: string,
  { manifest: given, signature: signed, trust }: EntryRequest,
  signal?: AbortSignal,
): Promise<EntryPut> {
  const { data, policy, staged } = parts;
  const { entries } = data.registry;
  const manifest = parseEntryManifest(given);
  if (manifest.name !== name) throw invalid(`the manifest of "${name}", got that of "${manifest.name}"`);
  const payload = canonicalBytes(manifest);
  const digest = manifestDigest(manifest);
  const signature = signed ?? null;
  const publisher = signature === null ? null : (await verifyDetached(signature, payload, 'entry')).fingerprint;
  const checked = (): RegisteredEntry | undefined => {
    const present = entries.find(name);
    const accepts = (fingerprint: string): boolean => entries.accepts(fingerprint);
    const known = { signed: publisher, present: present?.publisher };
    checkPublisher({ name, policy: policy.publishers, ...known, accepts, trust });
    return present;
  };
  const present = checked();
  if (present?.digest === digest && present.publisher === publisher) {
    if (trust !== undefined) entries.accept(trust);
    return { name, digest, revision: present.revision, missing: [], created: false };
  }
  const absent = await missingFiles(parts, manifest);
  if (absent.length > 0) return { name, digest, revision: null, missing: absent, created: false };
  await checkIconOf(parts, manifest);
  const unpacked = await unpack(parts, manifest, signal);
  const pages = unpacked?.pages ?? NO_PAGES;
  const inUse = (each: Digest): boolean => data.registry.inUse(each);
  try {
    // From here on in one turn: nobody else puts this name, and no file goes, in between.
    checked();
    const gone = [...blobsOf(manifest).keys()].filter((each) => !existsSync(data.blobs.path(each)));
    if (gone.length > 0) return { name, digest, revision: null, missing: gone, created: false };
    checkRoom(parts, manifest, pages);
    const text = new TextDecoder().decode(payload);
    const { revision, dropped } = entries.put(recordOf(manifest, { digest, text, signature, publisher }, pages));
    if (trust !== undefined) entries.accept(trust);
    staged.release(blobsOf(manifest).keys());
    for (const each of dropped) data.blobs.remove(each, inUse);
    return { name, digest, revision, missing: [], created: true };
  } finally {
    unpacked?.release();
    // Pages that were unpacked for nothing.
    for (const page of pages.values()) data.blobs.remove(page.digest, inUse);
  }
}

async function missingFiles({ staged, policy, data }: PutParts, manifest: EntryManifest): Promise<Digest[]> {
  const missing: Digest[] = [];
  let missingBytes = 0;
  for (const [digest, bytes] of blobsOf(manifest)) {
    const size = await staged.size(digest);
    if (size === undefined) {
      missing.push(digest);
      missingBytes += bytes;
    } else if (size !== bytes) throw invalid(`a manifest that says ${size} bytes of ${digest}, got ${bytes}`);
  }
  const free = policy.bytes - data.registry.entries.usedBytes();
  if (missingBytes > free) throw quotaExceeded(missingBytes, free);
  return missing;
}

async function checkIconOf({ files }: PutParts, { icon }: EntryManifest): Promise<void> {
  if (icon === undefined) return;
  const digest = icon.digest as Digest;
  await files.verify(digest);
  const head: Uint8Array[] = [];
  for await (const bytes of files.read(digest, { start: 0, end: ICON_HEAD_BYTES })) head.push(bytes);
  checkIcon(icon.mediaType, Buffer.concat(head));
}

async function unpack(
  { data }: PutParts,
  manifest: EntryManifest,
  signal: AbortSignal | undefined,
): Promise<UnpackedPages | null> {
  if (manifest.kind !== 'application' || manifest.web === undefined) return null;
  const archive = manifest.files!.find(({ name }) => name === manifest.web)!;
  return await unpackPages(data.blobs, archive.digest as Digest, undefined, signal);
}

/** The files were bounded when they came; pages show their size only unpacked. */
function checkRoom({ data, policy }: PutParts, manifest: EntryManifest, pages: ReadonlyMap<string, PageBlob>): void {
  const blobs = new Map([
    ...blobsOf(manifest),
    ...[...pages.values()].map(({ digest, bytes }) => [digest, bytes] as const),
  ]);
  const added = [...blobs].filter(([digest]) => !data.registry.entries.inUse(digest));
  const bytes = added.reduce((sum, [, each]) => sum + each, 0);
  const free = policy.bytes - data.registry.entries.usedBytes();
  if (bytes > free) throw quotaExceeded(bytes, free);
}

function invalid(expected: string): CloudletError {
  return new CloudletError('request-invalid', `expected ${expected}`);
}
