import * as v from 'valibot';
import { MAX_SIGNATURE_CHARS } from '../signature/detached-signature.ts';
import { Fingerprint } from '../signature/publisher-key.ts';
import { EntryKind, EntryManifest } from './manifest.ts';

/** Entries of one page of a list. */
export const ENTRIES_A_PAGE = 50;

/** Who signed an entry. */
export const EntryPublisher = v.object({
  fingerprint: v.string(),
  /** Whether the cloudlet's policy, as it is now, accepts this key. */
  trusted: v.boolean(),
});
export type EntryPublisher = v.InferOutput<typeof EntryPublisher>;

/** An entry in a list. */
export const EntrySummary = v.object({
  name: v.string(),
  kind: EntryKind,
  version: v.string(),
  title: v.string(),
  description: v.string(),
  tags: v.array(v.string()),
  /** Digest of its picture. */
  icon: v.nullable(v.string()),
  /** Of all its files together. */
  bytes: v.number(),
  /** Systems that its files are for, with the lowest version of each; empty: any. */
  platforms: v.array(v.object({ os: v.string(), osVersion: v.nullable(v.string()) })),
  publisher: v.nullable(EntryPublisher),
  /** Counts what was put under the name. */
  revision: v.number(),
  /** RFC 3339. */
  addedAt: v.string(),
});
export type EntrySummary = v.InferOutput<typeof EntrySummary>;

/** A page of entries, by name. */
export const EntryList = v.object({
  entries: v.array(EntrySummary),
  /** All that fit the question, on every page. */
  total: v.number(),
  page: v.number(),
  pages: v.number(),
});
export type EntryList = v.InferOutput<typeof EntryList>;

/** One entry in full. */
export const EntryInfo = v.object({
  manifest: EntryManifest,
  /** Of the manifest's canonical text. */
  digest: v.string(),
  /** Detached JWS over that text; null when it is not signed. */
  signature: v.nullable(v.string()),
  publisher: v.nullable(EntryPublisher),
  revision: v.number(),
  addedAt: v.string(),
  /** Revisions that are kept, newest first. */
  revisions: v.array(v.object({ revision: v.number(), version: v.string(), digest: v.string(), addedAt: v.string() })),
  /** Page about it on the cloudlet, for people. */
  page: v.string(),
  /** Where a web application begins. */
  web: v.nullable(v.string()),
});
export type EntryInfo = v.InferOutput<typeof EntryInfo>;

/** What `PUT /v1/store/{name}` takes. */
export const EntryRequest = v.strictObject({
  manifest: v.unknown(),
  signature: v.optional(v.pipe(v.string(), v.maxLength(MAX_SIGNATURE_CHARS))),
  /** Fingerprint of a key that the owner accepts from now on; needed for one that is new, where the policy asks for signatures. */
  trust: v.optional(Fingerprint),
});
export type EntryRequest = v.InferOutput<typeof EntryRequest>;

/** The answer: the entry is there, or files of it are missing. */
export const EntryPut = v.object({
  name: v.string(),
  digest: v.string(),
  /** Null while files are missing. */
  revision: v.nullable(v.number()),
  /** Digests of files that are to be sent before the same request does it. */
  missing: v.array(v.string()),
  /** False when this very entry was there already. */
  created: v.boolean(),
});
export type EntryPut = v.InferOutput<typeof EntryPut>;

/** A file that was received for an entry. */
export const ReceivedFile = v.object({ digest: v.string(), bytes: v.number() });
export type ReceivedFile = v.InferOutput<typeof ReceivedFile>;

/** The device that installs: what it runs decides which files it is offered. */
export const InstallRequest = v.strictObject({
  os: v.optional(v.pipe(v.string(), v.maxLength(32))),
  osVersion: v.optional(v.pipe(v.string(), v.maxLength(27))),
});
export type InstallRequest = v.InferOutput<typeof InstallRequest>;

/** What an installation came to. */
export const Installed = v.object({
  name: v.string(),
  revision: v.number(),
  /** Files for this device. */
  files: v.array(
    v.object({ name: v.string(), digest: v.string(), bytes: v.number(), mediaType: v.string(), address: v.string() }),
  ),
  /** Where a web application begins. */
  web: v.nullable(v.string()),
  /** The server part, once it is there to be used. */
  server: v.nullable(v.object({ kind: v.picklist(['function', 'service']), name: v.string(), address: v.string() })),
});
export type Installed = v.InferOutput<typeof Installed>;

/** Keys that the owner has accepted. */
export const PublisherList = v.object({
  /** What the host's policy says: anybody, only keys that the owner has accepted, or a list of its own. */
  policy: v.picklist(['anyone', 'accepted', 'listed']),
  publishers: v.array(v.object({ fingerprint: v.string(), acceptedAt: v.string(), entries: v.number() })),
});
export type PublisherList = v.InferOutput<typeof PublisherList>;
