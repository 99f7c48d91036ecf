import {
  CloudletError,
  type Digest,
  type FilesLayer,
  type Grant,
  namesOfGuestPath,
} from '../../../guest-sdk/protocol/index.ts';
import type { GrantedDirectory, GrantedFile } from '../../wasi/index.ts';
import { checkFileCount, layerEntries, MAX_FILES, MAX_FILES_BYTES } from './layer-entries.ts';

/** Where the layers of a package are: the blob store, or a package in memory. */
export interface PackageBlobs {
  readonly open: (digest: Digest) => Promise<{ readonly bytes: AsyncIterable<Uint8Array> }>;
}

/** Files by their paths in the package: their bytes, or what gives them later. */
export type PackageFiles<Content extends { readonly length: number } = Uint8Array> = ReadonlyMap<string, Content>;

/** A directory that a guest is given, with the package's files in it. */
interface Directory<Content> extends Omit<GrantedDirectory, 'files'> {
  readonly files: readonly GivenFile<Content>[];
}

interface GivenFile<Content> extends Pick<GrantedFile, 'names'> {
  readonly bytes: Content;
}

/** Reads the layers of a package into memory, verified and bounded; a later layer's file stands in for an earlier one's. `package-invalid` says what is wrong. */
export async function readPackageFiles(blobs: PackageBlobs, layers: readonly FilesLayer[]): Promise<PackageFiles> {
  const files = new Map<string, Uint8Array>();
  let left = MAX_FILES_BYTES;
  for (const layer of layers) {
    const { bytes } = await blobs.open(layer.digest);
    for await (const entry of layerEntries(bytes, layer, left)) {
      left -= entry.size;
      files.set(entry.path, await whole(entry.bytes, entry.size));
      checkFileCount(files);
    }
  }
  return files;
}

/**
 * The directories that a grant gives a guest, with the package's files in them. `grant-invalid` names an entry whose `from` is not in the
 * package, or that has more than fits.
 */
export function grantedDirectories<Content extends { readonly length: number }>(
  { files, scratch }: Pick<Grant, 'files' | 'scratch'>,
  present: PackageFiles<Content>,
): Directory<Content>[] {
  const directories = new Map<string, Directory<Content> & { readonly files: GivenFile<Content>[] }>();
  const directory = (path: string, names: readonly string[], writable: boolean) => {
    const key = names.join('/');
    const made = directories.get(key) ?? { path, at: names, writable, files: [] };
    directories.set(key, made);
    return made;
  };
  // First: a single file may lie in a directory that is granted as such.
  for (const { path, bytes: limit, from } of scratch) {
    const made = directory(path, namesOfGuestPath(path), true);
    if (from === null) continue;
    made.files.push(...filesBelow(present, from, `scratch ${path}`));
    const bytes = sizeOf(made.files);
    if (bytes > limit)
      throw new CloudletError(
        'grant-invalid',
        `expected at most ${limit} bytes for scratch ${path} at the start, got ${bytes}; raise its "bytes"`,
      );
  }
  for (const { path, from } of files.filter((each) => !present.has(each.from))) {
    directory(path, namesOfGuestPath(path), false).files.push(...filesBelow(present, from, `files ${path}`));
  }
  for (const { path, from } of files.filter((each) => present.has(each.from))) {
    const names = namesOfGuestPath(path);
    const parent = names.slice(0, -1);
    const text = `${path.startsWith('/') ? '/' : ''}${parent.join('/')}`;
    const made = directory(text === '' ? '.' : text, parent, false);
    if (names.length === 0)
      throw new CloudletError('grant-invalid', `expected a path with a name for the file ${from}, got "/"`);
    made.files.push({ names: names.slice(-1), bytes: present.get(from)! });
  }
  const made = [...directories.values()];
  const total = sizeOf(made.flatMap((each) => each.files));
  const count = made.reduce((sum, each) => sum + each.files.length, 0);
  if (total > MAX_FILES_BYTES || count > MAX_FILES) {
    throw new CloudletError(
      'grant-invalid',
      `expected at most ${MAX_FILES} files of ${MAX_FILES_BYTES} bytes together, got ${count} of ${total}`,
    );
  }
  return made;
}

/**
 * Refuses a package whose scratch begins with more than the host's policy leaves of it: no start would succeed. `grant-missing` says how much
 * that is.
 */
export function checkScratchFits(
  { scratch }: Pick<Grant, 'scratch'>,
  present: PackageFiles<{ readonly length: number }>,
): void {
  for (const { path, bytes, from } of scratch) {
    if (from === null) continue;
    const begins = sizeOf(filesBelow(present, from, `scratch ${path}`));
    if (begins > bytes)
      throw new CloudletError(
        'grant-missing',
        `scratch ${path} begins with ${begins} bytes, and this cloudlet's policy grants it ${bytes}; its operator may allow more (--policy)`,
      );
  }
}

function filesBelow<Content extends { readonly length: number }>(
  present: PackageFiles<Content>,
  from: string,
  what: string,
): GivenFile<Content>[] {
  const start = `${from}/`;
  const found = [...present].filter(([path]) => path.startsWith(start));
  if (found.length > 0) return found.map(([path, bytes]) => ({ names: path.slice(start.length).split('/'), bytes }));
  throw new CloudletError(
    'grant-invalid',
    `${what}: expected files in the package at ${JSON.stringify(from)}, found none`,
  );
}

function sizeOf(files: readonly GivenFile<{ readonly length: number }>[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

async function whole(pieces: AsyncIterable<Uint8Array>, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
