import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Content,
  contentOf,
  cutIntoParts,
  type HeldParts,
  isRegistryAddress,
} from '../../../guest-sdk/client/index.ts';
import {
  CloudletError,
  type DeploymentRequestInput,
  type Digest,
  type Part,
  packageOfIndex,
  parseName,
  parseTarHeader,
  TAR_BLOCK_BYTES,
} from '../../../guest-sdk/protocol/index.ts';
import { openOverlayFile } from '../../../runtime/index.ts';
import { publishableSource } from '../package/source.ts';
import { nameOfFile } from '../publishable.ts';
import { typed, UsageError } from '../usage-error.ts';
import { openFileContent } from './file-content.ts';

type Want = DeploymentRequestInput['want'];

/** What is deployed. */
export interface Deployable {
  readonly name: string;
  readonly want: Want;
  /** What of it can be sent from here. */
  readonly held: HeldParts | undefined;
  /** Bytes of all that could be sent; null when nothing could. */
  readonly bytes: number | null;
  close(): Promise<void>;
}

/** What the words of the command say beside what is deployed. */
export interface DeployWords {
  readonly name?: string | undefined;
  readonly grant?: string | undefined;
  readonly service?: boolean | undefined;
  /** Another address that it can be fetched from. */
  readonly from?: string | undefined;
}

/** Which kind of thing a name stands for at the host. */
export type Lookup = (name: string) => Promise<Want>;

const NOTHING_HELD = { held: undefined, bytes: null, close: async () => {} } as const;

/**
 * What a word of the command names: an address to be fetched from, a file or project here, or a name that the host knows. A project is
 * built first.
 */
export async function deployable(
  what: string,
  words: DeployWords,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<Deployable> {
  if (/^https?:\/\//.test(what)) return fromAddress(what, words);
  if (isRegistryAddress(what)) return ofFunction(what, words, signal);
  const found = await stat(what).catch(() => null);
  if (found === null) {
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(what))
      throw new UsageError(`expected a file, a project, an address or the name of something on the host, got ${what}`);
    return { name: what, want: await lookup(what), ...NOTHING_HELD };
  }
  if (found.isDirectory()) {
    const recipe = join(what, 'recipe.json');
    const isRecipe = words.service === true || (!(await exists(join(what, 'cloudlet.json'))) && (await exists(recipe)));
    return isRecipe ? ofRecipe(recipe, words) : ofFunction(what, words, signal);
  }
  if (what.endsWith('.json')) return ofRecipe(what, words);
  if (what.endsWith('.overlay')) return ofOverlay(what, words);
  return ofFunction(what, words, signal);
}

function fromAddress(address: string, words: DeployWords): Deployable {
  const path = URL.parse(address)?.pathname ?? '';
  // A component at another cloudlet has the name of its function.
  const own = /\/v1\/functions\/([^/]+)\/component$/.exec(path)?.[1] ?? nameOfFile(path);
  const name = typed(() => parseName(words.name ?? own));
  const isService = words.service === true || path.endsWith('.overlay');
  const want = isService ? { service: name, from: address } : { function: name, from: address };
  return { name, want, ...NOTHING_HELD };
}

async function ofFunction(path: string, words: DeployWords, signal: AbortSignal): Promise<Deployable> {
  const found = await publishableSource(path, words, signal);
  const name = typed(() => parseName(words.name ?? found.name));
  const file = found.pieces === null ? await openFileContent(found.path) : null;
  const content: Content = file ?? contentOf(Buffer.concat(found.pieces ?? []));
  const close = async (): Promise<void> => file?.close();
  try {
    const held = await cutIntoParts(content);
    const digest = found.versionDigest ?? (await manifestDigest(content)) ?? found.digest;
    const from = words.from === undefined ? {} : { from: words.from };
    const want = { function: name, digest, parts: [...held.parts], ...from };
    return { name, want, held, bytes: content.bytes, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The digest of a package's manifest, which names it; null when the content is no package. Files of packages come early and are short. */
async function manifestDigest({ bytes, slice }: Content): Promise<Digest | null> {
  for (let at = 0, left = 16; at + TAR_BLOCK_BYTES <= bytes && left > 0; left -= 1) {
    const header = parseTarHeader(await slice(at, at + TAR_BLOCK_BYTES));
    if (header === null || typeof header === 'string') return null;
    const start = at + TAR_BLOCK_BYTES;
    if (header.name.replace(/^\.\//, '') === 'index.json' && header.size <= 64 * 1024)
      return indexed(await slice(start, start + header.size));
    at = start + Math.ceil(header.size / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
  }
  return null;
}

function indexed(bytes: Uint8Array): Digest | null {
  try {
    return packageOfIndex(JSON.parse(Buffer.from(bytes).toString()))?.digest ?? null;
  } catch {
    return null; // What is wrong with it, the host says in a sentence.
  }
}

async function ofRecipe(path: string, words: DeployWords): Promise<Deployable> {
  const { readRecipeFile } = await import('../../../guest-sdk/build/index.ts');
  const { name: own, recipe, parts } = await readRecipeFile(path);
  const name = typed(() => parseName(words.name ?? own));
  const list: Part[] = [...parts.values()].map(({ digest, bytes }) => ({ digest, bytes }));
  const held: HeldParts = {
    parts: list,
    read: async (digest) => {
      const part = parts.get(digest);
      if (part !== undefined) return part.read();
      throw new CloudletError('conflict', `expected a file of the recipe to be wanted, got ${digest}`);
    },
  };
  return { name, want: { service: name, recipe: { ...recipe } }, held, bytes: sumOf(list), close: async () => {} };
}

async function ofOverlay(path: string, words: DeployWords): Promise<Deployable> {
  const overlay = await openOverlayFile(path);
  const name = typed(() => parseName(words.name ?? nameOfFile(path)));
  const parts = overlay.overlay.manifest.segments.map(({ digest, bytes }) => ({ digest, bytes }));
  const held: HeldParts = { parts, read: (digest) => overlay.get(digest), isPacked: true };
  const want = { service: name, overlay: JSON.parse(overlay.text) as Record<string, unknown> };
  return { name, want, held, bytes: sumOf(parts), close: () => overlay.close() };
}

function sumOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
