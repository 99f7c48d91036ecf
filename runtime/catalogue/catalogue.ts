import {
  CloudletError,
  type Digest,
  ENTRIES_A_PAGE,
  type EntryFile,
  type EntryInfo,
  type EntryList,
  type EntryManifest,
  type EntryPut,
  type EntryRequest,
  type Installed,
  type PublisherList,
  type ReceivedFile,
  runsOn,
  sortableOsVersion,
} from '../../guest-sdk/protocol/index.ts';
import type { Provisioned } from '../provision/deployment/rung.ts';
import { type DataDir, type RegisteredEntry, type StoredFile, unknownEntry, VerifiedFiles } from '../store/index.ts';
import { infoOf, isOffered, manifestOf, summaryOf, webAddress } from './entry-record.ts';
import { accepts, type CataloguePolicy } from './publisher-policy.ts';
import { putEntry } from './put-entry.ts';
import { StagedFiles } from './staged-files.ts';
import { pageType } from './web/page-type.ts';

/** An entry that stands for something that runs here. */
export type ServerManifest = Exclude<EntryManifest, { kind: 'application' }>;

/** What is known of an entry that is provisioned. */
export interface ProvisionedEntry {
  /** This very revision was provisioned before. */
  readonly again: boolean;
  /** Fingerprint of the key that signed it; null when nobody did. */
  readonly publisher: string | null;
}

/** Brings about what an entry stands for, and resolves once it can be used. */
export type EntryProvisioner = (
  manifest: ServerManifest,
  options: ProvisionedEntry & { readonly signal: AbortSignal },
) => Promise<Provisioned>;

/** What a catalogue is made of. */
export interface CatalogueParts {
  readonly data: Pick<DataDir, 'blobs' | 'registry'>;
  readonly policy: CataloguePolicy;
  readonly provision: EntryProvisioner;
  /** Hears that entries are others now. */
  readonly changed?: () => void;
  /** Milliseconds, of a clock that only goes on. */
  readonly now?: () => number;
}

/** Which entries are wanted. */
export interface EntryWish {
  readonly q?: string | undefined;
  readonly kind?: EntryManifest['kind'] | undefined;
  readonly tags?: readonly string[];
  readonly os?: string | undefined;
  readonly osVersion?: string | undefined;
  /** The first is 1. */
  readonly page?: number | undefined;
}

/** What a cloudlet offers to devices: entries, their files, and what becomes of one that is installed. */
export class Catalogue {
  readonly #parts: CatalogueParts;
  readonly #staged: StagedFiles;
  readonly #files: VerifiedFiles;
  /** Fires when the catalogue closes, and ends what goes on. */
  readonly #closing = new AbortController();
  readonly #working = new Set<Promise<unknown>>();

  constructor(parts: CatalogueParts) {
    const { data, policy, now = () => performance.now() } = parts;
    this.#parts = parts;
    this.#staged = new StagedFiles({
      blobs: data.blobs,
      inUse: (digest) => data.registry.inUse(digest),
      freeBytes: () => policy.bytes - data.registry.entries.usedBytes(),
      now,
    });
    this.#files = new VerifiedFiles(data.blobs);
  }

  get #entries() {
    return this.#parts.data.registry.entries;
  }

  /** A page of entries, by name. */
  list({ q, kind, tags = [], os, osVersion, page = 1 }: EntryWish = {}): EntryList {
    const { entries, total } = this.#entries.search({
      ...{ text: q, kind, tags, os },
      osVersion: osVersion === undefined ? undefined : sortableOsVersion(osVersion),
      limit: ENTRIES_A_PAGE,
      offset: (page - 1) * ENTRIES_A_PAGE,
    });
    const pages = Math.max(1, Math.ceil(total / ENTRIES_A_PAGE));
    return { entries: entries.map((entry) => summaryOf(entry, (key) => this.#trusts(key))), total, page, pages };
  }

  /** One entry (default: its current revision); `store-unknown` when there is none. */
  entry(name: string, revision?: number): EntryInfo {
    return infoOf(this.#find(name, revision), this.#entries.revisions(name), (key) => this.#trusts(key));
  }

  /**
   * Puts an entry, as `putEntry` says: files that are not here yet are named in the answer, and nothing is changed then. Errors:
   * `request-invalid`, `signature-invalid`, `package-invalid`, `storage-full`.
   */
  async put(name: string, request: EntryRequest, signal?: AbortSignal): Promise<EntryPut> {
    const { data, policy, changed } = this.#parts;
    const parts = { data, policy, staged: this.#staged, files: this.#files };
    const put = await this.#tracked(signal, (until) => putEntry(parts, name, request, until));
    if (put.created) changed?.();
    return put;
  }

  /** Takes a file for an entry that is put afterwards, within an hour. `storage-full` when it is more than the store has room for. */
  async receive(
    body: AsyncIterable<Uint8Array>,
    bytes: number,
    digest: Digest | undefined,
    signal?: AbortSignal,
  ): Promise<ReceivedFile> {
    const blob = await this.#tracked(signal, (until) => this.#staged.receive(body, bytes, digest, until));
    return { digest: blob.digest, bytes: blob.sizeBytes };
  }

  /** Removes an entry with its files; `store-unknown` when there is none. What it provisioned stays. */
  remove(name: string): void {
    const { blobs, registry } = this.#parts.data;
    for (const digest of this.#entries.remove(name)) blobs.remove(digest, (each) => registry.inUse(each));
    this.#parts.changed?.();
  }

  /** A file or the icon of a kept revision, compared with its digest; `not-found` when the entry has none of this digest. */
  async file(name: string, digest: Digest): Promise<StoredFile> {
    const revisions = this.#entries.revisions(name);
    if (revisions.length === 0) throw unknownEntry(name);
    for (const { files = [], icon } of revisions.map(manifestOf)) {
      const found = files.find((each) => each.digest === digest);
      if (found !== undefined) return await this.#stored(found);
      if (icon?.digest === digest)
        return await this.#stored({ ...icon, name: `${name}.${icon.mediaType.slice('image/'.length)}` });
    }
    throw new CloudletError('not-found', `expected the digest of a file of "${name}", got ${digest}`);
  }

  /** A page of a web application; a path that ends in `/` means its `index.html`. `not-found` when there is none. */
  async page(name: string, path: string): Promise<StoredFile> {
    const wanted = path === '' || path.endsWith('/') ? `${path}index.html` : path;
    const found = this.#entries.page(name, wanted);
    if (found === undefined)
      throw new CloudletError('not-found', `expected a page of the web application "${name}", got none`);
    return await this.#stored({ ...found, name: wanted.split('/').at(-1)!, mediaType: pageType(wanted) });
  }

  /**
   * What a device gets that installs an entry: its files for that device, its pages, and its server, which is provisioned first.
   * `signature-invalid` when the policy has come to refuse who signed it, `store-unknown` when its server is no entry here.
   */
  async install(
    name: string,
    device: { readonly os?: string | undefined; readonly osVersion?: string | undefined },
    signal?: AbortSignal,
  ): Promise<Installed> {
    const entry = this.#trusted(name);
    const manifest = manifestOf(entry);
    const files = (manifest.files ?? []).filter(isOffered(manifest)).filter((file) => runsOn(file, device));
    const served = manifest.kind === 'application' ? this.#serverOf(manifest) : manifest;
    const provisioned = served === null ? null : await this.#provision(served, signal);
    return {
      ...{ name, revision: entry.revision, web: webAddress(manifest) },
      files: files.map((file) => ({
        ...{ name: file.name, digest: file.digest, bytes: file.bytes, mediaType: file.mediaType },
        address: `/v1/store/${name}/files/${file.digest}`,
      })),
      server:
        provisioned === null ? null : { kind: provisioned.kind, name: provisioned.name, address: provisioned.address },
    };
  }

  /** The entry of the server of an application; null when it needs none. */
  serverOf(name: string): ServerManifest | null {
    const manifest = manifestOf(this.#trusted(name));
    return manifest.kind === 'application' ? this.#serverOf(manifest) : manifest;
  }

  /** Fingerprint of the key that signed an entry; undefined when nobody did. */
  publisherOf(name: string): string | undefined {
    return this.#find(name).publisher ?? undefined;
  }

  /** Provisions the present revision of an entry, and remembers that this was done. */
  async provisionedAs<T>(name: string, provision: (entry: ProvisionedEntry) => Promise<T>): Promise<T> {
    const { revision, publisher } = this.#find(name);
    const provisioned = await provision({ again: this.#entries.isProvisioned(name), publisher });
    this.#entries.setProvisioned(name, revision);
    return provisioned;
  }

  /** Keys that the owner has accepted, and what the policy makes of them. */
  publishers(): PublisherList {
    const { publishers: policy } = this.#parts.policy;
    return { policy: typeof policy === 'string' ? policy : 'listed', publishers: this.#entries.publishers() };
  }

  /** Accepts a key no more; entries that it signed stay, and are not installed while the policy asks for an accepted key. */
  forgetPublisher(fingerprint: string): void {
    if (this.#entries.forget(fingerprint)) return;
    throw new CloudletError(
      'not-found',
      `expected the fingerprint of an accepted key, got ${JSON.stringify(fingerprint.slice(0, 64))}`,
    );
  }

  /** Gives up what goes on and removes files that no entry came for. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new CloudletError('draining', 'the cloudlet is shutting down'));
    await Promise.allSettled(this.#working);
    this.#staged.close();
  }

  async #provision(manifest: ServerManifest, signal?: AbortSignal): Promise<Provisioned> {
    return await this.provisionedAs(manifest.name, (entry) =>
      this.#tracked(signal, (until) => this.#parts.provision(manifest, { ...entry, signal: until })),
    );
  }

  async #tracked<T>(signal: AbortSignal | undefined, work: (until: AbortSignal) => Promise<T>): Promise<T> {
    const closing = this.#closing.signal;
    closing.throwIfAborted();
    const tracked = work(signal === undefined ? closing : AbortSignal.any([closing, signal]));
    this.#working.add(tracked);
    try {
      return await tracked;
    } finally {
      this.#working.delete(tracked);
    }
  }

  #find(name: string, revision?: number): RegisteredEntry {
    const found = this.#entries.find(name, revision);
    if (found === undefined) throw unknownEntry(revision === undefined ? name : `${name} revision ${revision}`);
    return found;
  }

  #trusted(name: string): RegisteredEntry {
    const entry = this.#find(name);
    if (this.#trusts(entry.publisher)) return entry;
    throw new CloudletError(
      'signature-invalid',
      `expected "${name}" to be signed by a key that the policy of this cloudlet accepts, got ${entry.publisher ?? 'no signature'}`,
    );
  }

  #trusts(fingerprint: string | null): boolean {
    return accepts(this.#parts.policy.publishers, fingerprint, (key) => this.#entries.accepts(key));
  }

  async #stored(
    file: Pick<EntryFile, 'name' | 'bytes' | 'mediaType'> & { readonly digest: string },
  ): Promise<StoredFile> {
    const { name, bytes, mediaType } = file;
    const digest = file.digest as Digest;
    await this.#files.verify(digest);
    return { name, digest, bytes, mediaType, read: (span) => this.#files.read(digest, span) };
  }

  #serverOf(manifest: EntryManifest & { kind: 'application' }): ServerManifest | null {
    if (manifest.server === undefined) return null;
    const server = manifestOf(this.#trusted(manifest.server));
    if (server.kind !== 'application') return server;
    throw new CloudletError(
      'request-invalid',
      `expected the server of "${manifest.name}" to be a function or a service, got the application "${server.name}"`,
    );
  }
}
