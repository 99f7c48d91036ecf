import {
  blobsOf,
  type Digest,
  type EntryFile,
  type EntryInfo,
  type EntryManifest,
  type EntrySummary,
  parseEntryManifest,
  sortableOsVersion,
} from '../../guest-sdk/protocol/index.ts';
import type { NewEntry, RegisteredEntry } from '../store/index.ts';
import type { UnpackedPages } from './web/web-archive.ts';

/** Says of a key whether the policy accepts it. */
export type Trusts = (fingerprint: string | null) => boolean;

/** What the registry keeps of an entry. */
export function recordOf(
  manifest: EntryManifest,
  signed: {
    readonly digest: Digest;
    readonly text: string;
    readonly signature: string | null;
    readonly publisher: string | null;
  },
  pages: UnpackedPages['pages'],
): NewEntry {
  const { name, kind, title, description = '', tags = [], files = [] } = manifest;
  const { digest, text, signature, publisher } = signed;
  const platforms = kind === 'application' ? files.filter(isOffered(manifest)).map(platformOf) : [];
  return {
    ...{ name, kind, digest, manifest: text, signature, publisher, pages, tags },
    blobs: blobsOf(manifest),
    texts: { title, description },
    // One file for any system makes the entry one for any.
    platforms: platforms.some(({ os }) => os === '') ? [] : platforms,
  };
}

/** The manifest of a registered entry; its text is canonical, and was checked when it came. */
export function manifestOf(entry: RegisteredEntry): EntryManifest {
  return parseEntryManifest(JSON.parse(entry.manifest));
}

/** An entry in a list. */
export function summaryOf(entry: RegisteredEntry, trusts: Trusts): EntrySummary {
  const manifest = JSON.parse(entry.manifest) as EntryManifest;
  const { name, kind, version, title, description = '', tags = [], files = [], icon } = manifest;
  const systems = new Map<string, string | null>();
  for (const { os, osVersion = null } of kind === 'application' ? files : []) {
    if (os === undefined) continue;
    const least = systems.get(os);
    const lower =
      least === undefined ||
      osVersion === null ||
      (least !== null && sortableOsVersion(osVersion) < sortableOsVersion(least));
    if (lower) systems.set(os, osVersion);
  }
  return {
    ...{ name, kind, version, title, description, tags: [...tags] },
    icon: icon?.digest ?? null,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    platforms: [...systems].map(([os, osVersion]) => ({ os, osVersion })),
    publisher: publisherOf(entry, trusts),
    revision: entry.revision,
    addedAt: entry.addedAt,
  };
}

/** An entry in full. */
export function infoOf(entry: RegisteredEntry, revisions: readonly RegisteredEntry[], trusts: Trusts): EntryInfo {
  const manifest = manifestOf(entry);
  return {
    manifest,
    digest: entry.digest,
    signature: entry.signature,
    publisher: publisherOf(entry, trusts),
    revision: entry.revision,
    addedAt: entry.addedAt,
    revisions: revisions.map(({ revision, digest, addedAt, manifest: text }) => ({
      ...{ revision, digest, addedAt },
      version: (JSON.parse(text) as EntryManifest).version,
    })),
    page: `/store/${entry.name}`,
    web: webAddress(manifest),
  };
}

/** Where a web application begins; null for what is none. */
export function webAddress(manifest: EntryManifest): string | null {
  return manifest.kind === 'application' && manifest.web !== undefined ? `/w/${manifest.name}/` : null;
}

/** Whether a file is for devices: the archive of a web application and what a server is made of are for the cloudlet. */
export function isOffered(manifest: EntryManifest): (file: EntryFile) => boolean {
  return ({ name }) => manifest.kind === 'application' && name !== manifest.web;
}

function publisherOf({ publisher }: RegisteredEntry, trusts: Trusts): EntrySummary['publisher'] {
  return publisher === null ? null : { fingerprint: publisher, trusted: trusts(publisher) };
}

function platformOf({ os = '', osVersion = '0' }: EntryFile): { readonly os: string; readonly least: string } {
  return { os, least: sortableOsVersion(osVersion) };
}
