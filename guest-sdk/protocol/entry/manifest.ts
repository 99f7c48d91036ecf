import * as v from 'valibot';
import { type Digest, digestOfBytes } from '../digest.ts';
import { CloudletError } from '../errors.ts';
import { plainPathFault, strictParse } from '../grant/index.ts';
import { canonicalBytes } from '../signature/canonical-json.ts';
import { Sha256 } from '../signature/sha256.ts';
import { OS_NAME, OS_VERSION } from './os-version.ts';

/** Files of one entry. */
export const MAX_ENTRY_FILES = 64;

/** Longest manifest, bytes of its canonical text. */
export const MAX_MANIFEST_BYTES = 64 * 1024;

/** What an entry can be. */
export const EntryKind = v.picklist(['function', 'service', 'application']);
export type EntryKind = v.InferOutput<typeof EntryKind>;

const Name = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,62}$/, 'a name of lower-case letters, digits and "-"'));
const DigestText = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, 'sha256:<64 hex digits>'));

/** Text for people: no control characters, nor those that turn the direction of what stands around it. */
const words = (most: number, lines: boolean) =>
  v.pipe(
    v.string(),
    v.maxLength(most, `a text of at most ${most} characters`),
    v.check(
      (text) => text.isWellFormed() && !(lines ? UNSEEN : UNSEEN_OR_BREAK).test(text),
      'a text without control characters',
    ),
  );
const UNSEEN = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/u;
const UNSEEN_OR_BREAK = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

const Bytes = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 40));
const MediaTypeText = v.pipe(
  v.string(),
  v.maxLength(127),
  v.regex(/^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*(; ?charset=utf-8)?$/, 'a media type in lower case'),
);

/** A file of an entry. */
export const EntryFile = v.strictObject({
  /** What a device saves it as: one plain name. */
  name: v.pipe(
    v.string(),
    v.check((name) => plainPathFault(name) === null && !name.includes('/'), 'a plain file name'),
  ),
  digest: DigestText,
  bytes: Bytes,
  mediaType: MediaTypeText,
  /** The system that it is for; any when left out. */
  os: v.optional(v.pipe(v.string(), v.regex(OS_NAME, 'the name of a system, such as android'))),
  /** The lowest version of that system. */
  osVersion: v.optional(v.pipe(v.string(), v.regex(OS_VERSION, 'a version such as "13" or "14.4", as text'))),
});
export type EntryFile = v.InferOutput<typeof EntryFile>;

/** Picture formats that an icon may have. SVG is a document, with links and scripts, and is not among them. */
export const ICON_TYPES = ['image/png', 'image/jpeg', 'image/webp'] as const;

/** Largest icon, bytes. */
export const MAX_ICON_BYTES = 512 * 1024;

const COMMON = {
  /** Version of this format. */
  format: v.literal(1),
  name: Name,
  /** The publisher's own word for this version. */
  version: v.pipe(words(64, false), v.minLength(1)),
  title: v.pipe(words(80, false), v.minLength(1)),
  description: v.optional(words(4000, true)),
  tags: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'a tag of lower-case letters, digits and "-"'))),
      v.maxLength(16),
    ),
  ),
  homepage: v.optional(v.pipe(v.string(), v.maxLength(512), v.check(isWebAddress, 'an address of http or https'))),
  icon: v.optional(
    v.strictObject({
      digest: DigestText,
      bytes: v.pipe(Bytes, v.maxValue(MAX_ICON_BYTES)),
      mediaType: v.picklist(ICON_TYPES),
    }),
  ),
  files: v.optional(v.pipe(v.array(EntryFile), v.maxLength(MAX_ENTRY_FILES))),
};
const FileName = v.string();

/** What the publisher of an entry says about it, and signs. */
export const EntryManifest = v.variant('kind', [
  v.strictObject({
    ...COMMON,
    kind: v.literal('function'),
    /** The function, by its name on the cloudlet. */
    function: Name,
    /** The file that it is published from; left out when it is published already. */
    package: v.optional(FileName),
  }),
  v.strictObject({
    ...COMMON,
    kind: v.literal('service'),
    service: Name,
    /** How it comes about: from a VM image that the cloudlet has, or a file with an overlay or a recipe. */
    from: v.union([
      v.strictObject({ image: DigestText }),
      v.strictObject({ overlay: FileName }),
      v.strictObject({ recipe: FileName }),
    ]),
  }),
  v.strictObject({
    ...COMMON,
    kind: v.literal('application'),
    /** The entry that is provisioned when a device installs this one. */
    server: v.optional(Name),
    /** The file, a tar or zip, that the cloudlet serves as pages. */
    web: v.optional(FileName),
  }),
]);
export type EntryManifest = v.InferOutput<typeof EntryManifest>;

/** Reads a manifest that came from outside; `request-invalid` names what is wrong with it. */
export function parseEntryManifest(value: unknown): EntryManifest {
  const manifest = strictParse(EntryManifest, value, 'the manifest', 'request-invalid');
  const files = manifest.files ?? [];
  const names = new Set(files.map(({ name }) => name));
  if (names.size < files.length) throw invalid('files: names that are there once, got one twice');
  if (new Set(manifest.tags).size < (manifest.tags?.length ?? 0)) throw invalid('tags: each once, got one twice');
  const half = files.find(({ os, osVersion }) => os === undefined && osVersion !== undefined);
  if (half !== undefined) throw invalid(`files: "os" beside "osVersion" for ${JSON.stringify(half.name)}, got none`);
  for (const name of namedFiles(manifest))
    if (!names.has(name)) throw invalid(`${JSON.stringify(name)} among the files, got none of this name`);
  const { length } = canonicalBytes(manifest);
  if (length > MAX_MANIFEST_BYTES) throw invalid(`at most ${MAX_MANIFEST_BYTES} bytes, got ${length}`);
  return manifest;
}

/** The digest of a manifest: an entry's name in bytes, and of what is signed. */
export function manifestDigest(manifest: EntryManifest): Digest {
  return digestOfBytes(new Sha256().update(canonicalBytes(manifest)).digest());
}

/** Blobs that an entry is made of, each once, with their sizes: its files and its icon. */
export function blobsOf({ files = [], icon }: EntryManifest): ReadonlyMap<Digest, number> {
  const all = [...files, ...(icon === undefined ? [] : [icon])];
  return new Map(all.map(({ digest, bytes }) => [digest as Digest, bytes]));
}

function namedFiles(manifest: EntryManifest): string[] {
  switch (manifest.kind) {
    case 'function':
      return manifest.package === undefined ? [] : [manifest.package];
    case 'service':
      return Object.entries(manifest.from).flatMap(([way, name]) => (way === 'image' ? [] : [name]));
    case 'application':
      return manifest.web === undefined ? [] : [manifest.web];
    default:
      return manifest satisfies never;
  }
}

function isWebAddress(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null &&
    (url.protocol === 'http:' || url.protocol === 'https:') &&
    url.username === '' &&
    url.password === ''
  );
}

function invalid(expected: string): CloudletError {
  return new CloudletError('request-invalid', `the manifest: expected ${expected}`);
}
