import { stat } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { CloudletClient } from '../../../guest-sdk/client/index.ts';
import {
  CloudletError,
  canonicalBytes,
  type Digest,
  type EntryPut,
  parseName,
} from '../../../guest-sdk/protocol/index.ts';
import { signWithFile } from '../key-file.ts';
import { showProgress } from '../terminal/progress.ts';
import { typed, UsageError } from '../usage-error.ts';
import { assembleEntry, type EntrySource, isSource, readEntrySource } from './entry-source.ts';
import { systemOf } from './file-type.ts';
import { isRecipe, recipeSource } from './recipe-source.ts';

/** Flags that describe a single file which is offered. */
export interface AddFlags {
  readonly kind?: string;
  readonly name?: string;
  readonly title?: string;
  readonly version?: string;
  readonly description?: string;
  readonly tag?: readonly string[];
  readonly homepage?: string;
  readonly icon?: string;
  readonly os?: string;
  readonly osVersion?: string;
  readonly mediaType?: string;
  readonly web?: boolean;
  readonly server?: string;
  readonly key?: string;
  readonly trust?: string;
}

/** An entry that was put, and the fingerprint of the key that signed it. */
export interface Added extends EntryPut {
  readonly version: string;
  readonly publisher: string | null;
}

/** Puts an entry from its source, or a file or folder that flags describe; an overlay or a recipe is a service's. */
export async function addEntry(
  client: CloudletClient,
  what: string,
  flags: AddFlags,
  signal: AbortSignal,
): Promise<Added> {
  const source =
    isSource(what) && !(await isRecipe(what)) ? await fromSource(what, flags) : await fromFile(what, flags);
  const { manifest, files } = source;
  const signed = flags.key === undefined ? null : await signWithFile(canonicalBytes(manifest), 'entry', flags.key);
  const signature = signed?.signature ?? source.signature;
  const publisher = signed?.fingerprint ?? null;
  const trust = flags.trust ?? (await askToAccept(client, publisher, signal));
  const progress = showProgress(manifest.name);
  try {
    const put = await client.store.put(manifest, {
      ...{ signature, trust, signal },
      open: (digest) => sending(files.get(digest), digest, (done, total) => progress.amount(done, total)),
      onFile: (digest) => progress.stage(`sending ${files.get(digest)?.name ?? digest}`),
    });
    return { ...put, version: manifest.version, publisher };
  } finally {
    progress.clear();
  }
}

async function fromSource(what: string, flags: AddFlags): Promise<EntrySource> {
  const { key: _, trust: __, ...describing } = flags;
  const [first] = Object.keys(describing).filter((flag) => !['json', 'to', 'token', 'data'].includes(flag));
  if (first !== undefined)
    throw new UsageError(`expected ${what} to say "${first}" itself; flags describe a single file`);
  return await readEntrySource(what);
}

async function fromFile(what: string, flags: AddFlags): Promise<EntrySource> {
  const file = basename(resolve(what));
  const usual = KINDS[extname(file)] ?? 'application';
  const own = usual === 'service' && extname(file) === '.json' ? (await recipeSource(what)).name : null;
  const name = typed(() => parseName(flags.name ?? own ?? nameOf(file)));
  const kind = flags.kind ?? usual;
  if (kind !== 'function' && kind !== 'application' && kind !== 'service')
    throw new UsageError(`expected --kind function, service or application, got "${kind}"`);
  if (kind === 'service' && usual !== 'service')
    throw new UsageError(`expected a service as an overlay (.overlay) or a recipe (.json), got ${what}`);
  await refuseFolder(what, flags);
  const { version = '1', title = name, description, tag, homepage, icon, server } = flags;
  const common = {
    ...{ name, version, title },
    ...(description === undefined ? {} : { description }),
    ...(tag === undefined ? {} : { tags: [...tag] }),
    ...(homepage === undefined ? {} : { homepage }),
    ...(icon === undefined ? {} : { icon: resolve(icon) }),
  };
  const folder = '/';
  const path = resolve(what);
  if (kind === 'service') {
    const from = { [extname(file) === '.json' ? 'recipe' : 'overlay']: path };
    return await assembleEntry({ kind, ...common, service: name, from }, folder);
  }
  if (kind === 'function') return await assembleEntry({ kind, ...common, function: name, package: path }, folder);
  const application = { kind, ...common, ...(server === undefined ? {} : { server }) } as const;
  if (flags.web === true) return await assembleEntry({ ...application, web: path }, folder);
  const os = flags.os ?? systemOf(file);
  const more = {
    ...(os === undefined ? {} : { os }),
    ...(flags.osVersion === undefined ? {} : { osVersion: flags.osVersion }),
    ...(flags.mediaType === undefined ? {} : { mediaType: flags.mediaType }),
  };
  return await assembleEntry({ ...application, files: [{ path, ...more }] }, folder);
}

/** What files are, by their ends, when nothing else is said. */
const KINDS: Readonly<Record<string, string>> = { '.wasm': 'function', '.overlay': 'service', '.json': 'service' };

async function refuseFolder(what: string, { web }: AddFlags): Promise<void> {
  if (web === true || (await stat(what).catch(() => null))?.isDirectory() !== true) return;
  throw new UsageError(
    `expected a file, got the folder ${what}; offer its recipe.json, what npx cloudlet build made of it, or its pages with --web`,
  );
}

/** Whoever sits at a terminal is asked once about a key that the cloudlet does not know, where it takes accepted keys only. */
async function askToAccept(
  client: CloudletClient,
  publisher: string | null,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (publisher === null || process.stdin.isTTY !== true) return undefined;
  const { policy, publishers } = await client.store.publishers(signal);
  if (policy !== 'accepted' || publishers.some(({ fingerprint }) => fingerprint === publisher)) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(
      `accept entries that are signed by ${publisher} on ${client.url} from now on? [y/N] `,
      { signal },
    );
    return /^y(es)?$/i.test(answer.trim()) ? publisher : undefined;
  } finally {
    lines.close();
  }
}

async function* sending(
  file: { readonly bytes: number; readonly open: () => Uint8Array | AsyncIterable<Uint8Array> } | undefined,
  digest: Digest,
  onBytes: (done: number, total: number) => void,
): AsyncGenerator<Uint8Array> {
  if (file === undefined)
    throw new CloudletError(
      'request-invalid',
      `expected the file with digest ${digest} beside the signed entry, found none`,
    );
  const source = file.open();
  let done = 0;
  for await (const chunk of source instanceof Uint8Array ? [source] : source) {
    yield chunk;
    done += chunk.length;
    onBytes(done, file.bytes);
  }
}

/** A name for an entry, made from the name of its file. */
function nameOf(file: string): string {
  const plain = file.replace(/(\.component)?\.[a-z0-9]+$/i, '').toLowerCase();
  return (
    plain
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^[^a-z]+|-+$/g, '')
      .slice(0, 63) ||
    dirname(file).slice(0, 1) ||
    'entry'
  );
}
