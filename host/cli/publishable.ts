import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename, dirname, extname } from 'node:path';
import type { Build } from '../../guest-sdk/build/index.ts';
import {
  type Digest,
  denying,
  digestOfHex,
  type FunctionName,
  type GrantRequest,
  PACKAGE_TYPES,
  parseName,
  type WrittenPackage,
} from '../../guest-sdk/protocol/index.ts';
import { deniedWords } from './package/denied-words.ts';
import { fileOrFolder } from './plain-file.ts';
import { typed, UsageError } from './usage-error.ts';

/** What is sent to be published, with the name that it would be published under. */
export interface Publishable {
  readonly name: string;
  readonly sizeBytes: number;
  /** Of the bytes that are sent. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** Of the version that it becomes, where that is another one. */
  readonly versionDigest: Digest | null;
  /** Where the bytes lie, when they are not in memory. */
  readonly path: string;
  /** The bytes, when they are in memory. */
  readonly pieces: readonly Uint8Array[] | null;
  /** What its publisher should know before anybody has it: sentences. */
  readonly warnings: readonly string[];
  /** The bytes, telling how many went out. */
  readonly send: (sent: (bytes: number) => void) => AsyncGenerator<Uint8Array>;
}

/** What the words of a command say of what is published. */
export interface PublishWords {
  /** File with what a component asks for. */
  readonly grant?: string | undefined;
  /** What it is to go without, in words that commas part. */
  readonly deny?: string | undefined;
  /** Builds a project without names of functions and source maps. */
  readonly strip?: boolean | undefined;
}

/**
 * What a path names: a component, or a project, which is built first. With a grant, the project's own or that of the file `grantFile`,
 * a package is made of it.
 */
export async function publishable(
  path: string,
  { grant: grantFile, deny, strip = false }: PublishWords,
  signal: AbortSignal,
): Promise<Publishable> {
  const found = await fileOrFolder(path, 'a component or a project directory');
  if (!found.isDirectory()) {
    if (strip) throw new UsageError(STRIP_WHAT);
    const name = nameOfFile(path);
    if (grantFile !== undefined || deny !== undefined) return packed(name, path, { grant: grantFile, deny });
    return componentFile(name, path, found.size, await digestOfFile(path, signal));
  }
  if (grantFile !== undefined || deny !== undefined) throw new UsageError(GRANT_WHAT);
  const { buildShown } = await import('./build-shown.ts');
  const { component, project, sizeBytes, digest } = await buildShown(path, signal, { strip });
  return publishableProject({ component, sizeBytes, digest, project });
}

/** Said when something is to be stripped that is built already. */
export const STRIP_WHAT =
  'expected --strip with a project, which is built here; what is built already is published as it is';

/** Said when a project is to be granted something by a flag. */
export const GRANT_WHAT =
  'expected --grant and --deny with a component; a project has its grant in cloudlet.json, where "http": [] for instance says that there is none';

/** What is sent of a project that was built: its component alone when it asks for nothing. */
export async function publishableProject({ component, sizeBytes, digest, project }: Build): Promise<Publishable> {
  const { name, grant, folder } = project;
  const warnings = await traceWarnings(grant, folder);
  const { goesAlone, packProject } = await import('../../guest-sdk/build/index.ts');
  if (await goesAlone(component, grant)) return { ...componentFile(name, component, sizeBytes, digest), warnings };
  return { ...packageOf(name, component, await packProject({ component, grant, folder })), warnings };
}

/** Where a project's grant is another than what its traces used. */
async function traceWarnings(grant: GrantRequest, folder: string): Promise<string[]> {
  const { compareTrace, readTrace } = await import('../../guest-sdk/build/index.ts');
  const record = await readTrace(folder);
  if (record === null) return [];
  const { unused, lacking } = compareTrace(record, grant);
  return [...lacking, ...unused];
}

async function packed(name: string, component: string, words: PublishWords): Promise<Publishable> {
  const { pack } = await import('../../guest-sdk/build/index.ts');
  return packageOf(name, component, await pack({ component, ...(await grantOfWords(component, words)) }));
}

/** What words ask for a component, and the folder in which its files are; nothing where they say nothing. */
export async function grantOfWords(
  component: string,
  { grant, deny }: Pick<PublishWords, 'grant' | 'deny'>,
): Promise<{ readonly grant: GrantRequest; readonly folder: string }> {
  const { readGrant } = await import('../../guest-sdk/build/index.ts');
  const denied = deniedWords(deny);
  return {
    grant: denying(grant === undefined ? {} : await readGrant(grant), denied),
    folder: dirname(grant ?? component),
  };
}

function componentFile(name: string, path: string, sizeBytes: number, digest: Digest): Publishable {
  const chunks = () => createReadStream(path) as AsyncIterable<Uint8Array>;
  return {
    ...{
      name,
      sizeBytes,
      digest,
      mediaType: 'application/wasm',
      versionDigest: null,
      path,
      pieces: null,
      warnings: [],
    },
    send: (sent) => telling(chunks(), sent),
  };
}

/** What is sent of a package. */
export function packageOf(
  name: string,
  path: string,
  { digest: versionDigest, pieces, sizeBytes }: Pick<WrittenPackage, 'digest' | 'pieces' | 'sizeBytes'>,
): Publishable {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  const digest = digestOfHex(hash.digest('hex'));
  return {
    ...{ name, sizeBytes, digest, mediaType: PACKAGE_TYPES[0], versionDigest, path, pieces, warnings: [] },
    send: (sent) => telling(pieces, sent),
  };
}

/** The name that a function is published under: the one that was given, or its own, which may be none where a file is called by other letters. */
export function nameFor(given: string | undefined, own: string): FunctionName {
  if (given === undefined && own === '')
    throw new UsageError(
      'expected a name for it, since that of its file has none of the letters a to z; say one with --name',
    );
  return typed(() => parseName(given ?? own));
}

/** `path/My_Photo.component.wasm` → `my-photo`: the nearest name that a function may have; empty when there is none. */
export function nameOfFile(path: string): string {
  const stem = basename(path, extname(path)).replace(/\.(component|wasm|package)$/, '');
  return stem
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 63);
}

async function* telling(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  sent: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of chunks) {
    yield chunk;
    done += chunk.length;
    sent(done);
  }
}

async function digestOfFile(path: string, signal: AbortSignal): Promise<Digest> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { signal })) hash.update(chunk as Uint8Array);
  return digestOfHex(hash.digest('hex'));
}
