import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import * as v from 'valibot';
import {
  CloudletError,
  type Digest,
  type EntryManifest,
  MAX_MANIFEST_BYTES,
  MAX_SIGNATURE_CHARS,
  parseEntryManifest,
  strictParse,
} from '../../../guest-sdk/protocol/index.ts';
import { fileTypeOf } from './file-type.ts';
import { recipeSource } from './recipe-source.ts';
import { fileSource, type SourceFile, webSource } from './source-file.ts';

/** An entry that is ready to be signed and put. */
export interface EntrySource {
  readonly manifest: EntryManifest;
  /** Of an entry that its publisher signed. */
  readonly signature?: string;
  /** What the manifest names, by digest. */
  readonly files: ReadonlyMap<Digest, SourceFile>;
}

/** A file as the source of an entry names it. */
const FileOption = v.strictObject({
  path: v.string(),
  name: v.optional(v.string()),
  mediaType: v.optional(v.string()),
  os: v.optional(v.string()),
  osVersion: v.optional(v.string()),
});

/** The source of an entry, `entry.json`: its manifest with paths where that has digests. */
export const EntrySourceFile = v.looseObject({
  kind: v.picklist(['function', 'service', 'application']),
  icon: v.optional(v.string()),
  files: v.optional(v.array(FileOption)),
  web: v.optional(v.string()),
  package: v.optional(v.string()),
  from: v.optional(v.record(v.string(), v.string())),
});
export type EntrySourceFile = v.InferOutput<typeof EntrySourceFile>;

/** What was signed: a manifest with its signature; files lie beside it, by their names. */
const SignedEntry = v.strictObject({
  manifest: v.unknown(),
  signature: v.pipe(v.string(), v.maxLength(MAX_SIGNATURE_CHARS)),
});

/** Reads an `entry.json`, or what `store sign` wrote, with all files that belong to it; `request-invalid` says what is wrong. */
export async function readEntrySource(path: string): Promise<EntrySource> {
  const value = await readJson(path);
  const folder = dirname(resolve(path));
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, 'signature')) {
    const { manifest: given, signature } = strictParse(SignedEntry, value, path, 'request-invalid');
    const manifest = parseEntryManifest(given);
    return { manifest, signature, files: await signedFiles(manifest, folder) };
  }
  const parsed = v.safeParse(EntrySourceFile, value);
  if (parsed.success) return await assembleEntry(parsed.output, folder);
  const issue = parsed.issues[0];
  throw new CloudletError(
    'request-invalid',
    `${path}: expected ${v.getDotPath(issue) ?? 'the document'} to be ${issue.expected}, got ${issue.received}`,
  );
}

/** Makes the manifest of a source: reads and hashes its files, whose paths are relative to the folder. */
export async function assembleEntry(source: EntrySourceFile, folder: string): Promise<EntrySource> {
  const files = new Map<Digest, SourceFile>();
  const take = (file: SourceFile): SourceFile => {
    files.set(file.digest, file);
    return file;
  };
  const listed: object[] = [];
  const list = async (path: string, more: Omit<v.InferOutput<typeof FileOption>, 'path'> = {}): Promise<string> => {
    const { digest, bytes } = take(await fileSource(join(folder, path)));
    const name = more.name ?? basename(path);
    listed.push({ mediaType: fileTypeOf(name), ...more, name, digest, bytes });
    return name;
  };
  const { icon, files: given = [], web, package: packed, from, ...rest } = source;
  for (const { path, ...more } of given) await list(path, more);
  const manifest: Record<string, unknown> = { format: 1, ...rest };
  if (icon !== undefined) {
    const { digest, bytes } = take(await fileSource(join(folder, icon)));
    manifest['icon'] = { digest, bytes, mediaType: fileTypeOf(icon) };
  }
  if (web !== undefined) {
    const { digest, bytes, name } = take(await webSource(join(folder, web)));
    listed.push({ name, digest, bytes, mediaType: fileTypeOf(name) });
    manifest['web'] = name;
  }
  if (packed !== undefined) manifest['package'] = await list(packed);
  if (from !== undefined) {
    const [[way, what] = ['', '']] = Object.entries(from);
    if (way === 'recipe') {
      const { document, parts } = await recipeSource(join(folder, what));
      for (const { name, digest, bytes } of [document, ...parts].map(take))
        listed.push({ name, digest, bytes, mediaType: fileTypeOf(name) });
      manifest['from'] = { recipe: document.name };
    } else manifest['from'] = { [way]: way === 'image' ? what : await list(what) };
  }
  if (listed.length > 0) manifest['files'] = listed;
  return { manifest: parseEntryManifest(manifest), files };
}

async function signedFiles(manifest: EntryManifest, folder: string): Promise<ReadonlyMap<Digest, SourceFile>> {
  const found = new Map<Digest, SourceFile>();
  const named = (manifest.files ?? []).map(({ name, digest }) => [name, digest] as const);
  if (manifest.icon !== undefined) named.push([`icon${extensionOf(manifest.icon.mediaType)}`, manifest.icon.digest]);
  for (const [name, digest] of named) {
    const path = join(folder, name);
    // One that the cloudlet has already need not lie here.
    if ((await stat(path).catch(() => null)) === null) continue;
    const file = await fileSource(path);
    if (file.digest !== digest)
      throw new CloudletError(
        'request-invalid',
        `expected ${path} to have the signed digest ${digest}, got ${file.digest}`,
      );
    found.set(file.digest, file);
  }
  return found;
}

/** The name under which the icon of a signed entry lies beside it. */
export function extensionOf(mediaType: string): string {
  return `.${mediaType.slice(mediaType.indexOf('/') + 1)}`;
}

async function readJson(path: string): Promise<unknown> {
  const refuse = (sentence: string, cause: unknown) => new CloudletError('request-invalid', sentence, { cause });
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw refuse(`expected the source of an entry at ${path}, which cannot be read (${error.code})`, error);
  });
  if (bytes.length > 4 * MAX_MANIFEST_BYTES)
    throw refuse(`expected a manifest in ${path}, got ${bytes.length} bytes`, undefined);
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw refuse(`expected JSON in ${path}, got ${(error as Error).message}`, error);
  }
}

/** Whether a path is that of a source rather than of a file to offer. */
export function isSource(path: string): boolean {
  return extname(path) === '.json' || extname(path) === '.entry';
}
