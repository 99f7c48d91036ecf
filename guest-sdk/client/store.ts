import {
  bytesOfDigest,
  CloudletError,
  type Digest,
  EntryInfo,
  EntryList,
  type EntryManifest,
  EntryPut,
  encodeBase64,
  Installed,
  PublisherList,
  ReceivedFile,
} from '../protocol/index.ts';
import type { HostAddress } from './request.ts';
import { type BodySource, readWhole } from './transport.ts';
import { type OpenedEntry, openEntry, type PublisherCheck } from './verified-entry.ts';

/** Which entries are wanted; see `GET /v1/store`. */
export interface StoreQuery {
  readonly q?: string | undefined;
  readonly kind?: EntryManifest['kind'] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly os?: string | undefined;
  readonly osVersion?: string | undefined;
  readonly page?: number | undefined;
}

/** What an entry is put with. */
export interface PutEntryOptions {
  /** Detached JWS over the canonical JSON of the manifest. */
  readonly signature?: string | undefined;
  /** Fingerprint of a key that the cloudlet accepts from now on. */
  readonly trust?: string | undefined;
  /** Opens a file of the manifest that the cloudlet has not. */
  readonly open: (digest: Digest) => BodySource;
  /** Called before a file is sent. */
  readonly onFile?: (digest: Digest) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The store of a cloudlet. */
export interface StoreClient {
  /** A page of entries, by name. */
  readonly list: (query?: StoreQuery, signal?: AbortSignal) => Promise<EntryList>;
  /** An entry as the cloudlet tells of it, unverified. */
  readonly entry: (name: string, signal?: AbortSignal) => Promise<EntryInfo>;
  /**
   * An entry whose signature was verified here, with its files as streams that end well only when every byte is what was signed.
   * `signature-invalid` when it is signed by nobody, or by somebody else than `publishers` names.
   */
  readonly open: (name: string, check: PublisherCheck, signal?: AbortSignal) => Promise<OpenedEntry>;
  /** Puts an entry, after the files that the cloudlet has not. */
  readonly put: (manifest: EntryManifest, options: PutEntryOptions) => Promise<EntryPut>;
  readonly remove: (name: string, signal?: AbortSignal) => Promise<void>;
  /** Installs an entry: its server is there to be used when this resolves. */
  readonly install: (
    name: string,
    device?: { readonly os?: string | undefined; readonly osVersion?: string | undefined },
    signal?: AbortSignal,
  ) => Promise<Installed>;
  readonly publishers: (signal?: AbortSignal) => Promise<PublisherList>;
  readonly forgetPublisher: (fingerprint: string, signal?: AbortSignal) => Promise<void>;
}

/** The store at an address. */
export function storeClient(host: HostAddress): StoreClient {
  const at = (name: string): string => `/v1/store/${encodeURIComponent(name)}`;
  const gone = async (path: string, signal: AbortSignal | undefined): Promise<void> => {
    await readWhole((await host.send({ method: 'DELETE', path, signal })).body, 0);
  };
  const entry: StoreClient['entry'] = (name, signal) => host.json(EntryInfo, { path: at(name), signal });
  return {
    list: (query = {}, signal) => host.json(EntryList, { path: `/v1/store${searchOf(query)}`, signal }),
    entry,
    open: async (name, check, signal) => openEntry(host, name, await entry(name, signal), check),
    put: (manifest, options) => putEntry(host, at(manifest.name), manifest, options),
    remove: (name, signal) => gone(at(name), signal),
    install: (name, device = {}, signal) =>
      host.json(Installed, { method: 'POST', path: `${at(name)}/install`, json: device, signal }),
    publishers: (signal) => host.json(PublisherList, { path: '/v1/publishers', signal }),
    forgetPublisher: (fingerprint, signal) => gone(`/v1/publishers/${encodeURIComponent(fingerprint)}`, signal),
  };
}

async function putEntry(
  host: HostAddress,
  path: string,
  manifest: EntryManifest,
  { signature, trust, open, onFile, signal }: PutEntryOptions,
): Promise<EntryPut> {
  const sizes = new Map(
    [...(manifest.files ?? []), ...(manifest.icon === undefined ? [] : [manifest.icon])].map((each) => [
      each.digest,
      each.bytes,
    ]),
  );
  const put = (): Promise<EntryPut> =>
    host.json(EntryPut, { method: 'PUT', path, json: { manifest, signature, trust }, signal });
  const first = await put();
  for (const digest of first.missing as Digest[]) {
    const bytes = sizes.get(digest);
    if (bytes === undefined)
      throw new CloudletError(
        'network-unavailable',
        `expected the cloudlet to ask for files of "${manifest.name}", it asks for ${digest}`,
      );
    onFile?.(digest);
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(bytes),
      'content-digest': `sha-256=:${encodeBase64(bytesOfDigest(digest))}:`,
    };
    await host.json(ReceivedFile, { method: 'POST', path: `${path}/files`, headers, body: open(digest), signal });
  }
  if (first.missing.length === 0) return first;
  const second = await put();
  if (second.missing.length === 0) return second;
  throw new CloudletError(
    'conflict',
    `expected the files of "${manifest.name}" to be there, ${second.missing.length} went again; put it once more`,
  );
}

function searchOf({ q, kind, os, osVersion, page, tags = [] }: StoreQuery): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries({ q, kind, os, osVersion, page }))
    if (value !== undefined) search.append(key, String(value));
  for (const tag of tags) search.append('tag', tag);
  return search.size === 0 ? '' : `?${search}`;
}
