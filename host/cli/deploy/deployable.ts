import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Content, type HeldParts, isRegistryAddress } from '../../../guest-sdk/client/index.ts';
import {
  CloudletError,
  type DeploymentRequestInput,
  type Digest,
  documentSigners,
  type FunctionName,
  type Part,
  parseName,
  recipeDocument,
  signedBy,
  signRecipe,
} from '../../../guest-sdk/protocol/index.ts';
import { openOverlayFile } from '../../../runtime/index.ts';
import { readKey } from '../key-file.ts';
import type { PackageWords } from '../package/packaged.ts';
import { publishableSource } from '../package/source.ts';
import { nameFor, nameOfFile, STRIP_WHAT } from '../publishable.ts';
import { UsageError } from '../usage-error.ts';
import { functionContent } from './function-content.ts';
import { overlayParts } from './overlay-parts.ts';

type Want = DeploymentRequestInput['want'];

/** What is deployed. */
export type Deployable = FunctionHere | AnythingWanted;

/** A component or package that is here, pushed as a function. */
export interface FunctionHere {
  readonly kind: 'function';
  readonly name: FunctionName;
  readonly content: Content;
  /** Of the version that it becomes. */
  readonly digest: Digest;
  /** Where its component lies, unless it came as a package. */
  readonly component: string;
  /** Where the host can fetch it as well. */
  readonly from: string | undefined;
  /** Fingerprints of the keys that signed it. */
  readonly signers: readonly string[];
  readonly bytes: number;
  close(): Promise<void>;
}

/** What else can be wanted of a host. */
export interface AnythingWanted {
  readonly kind: 'wanted';
  readonly name: FunctionName;
  readonly want: Want;
  /** What of it can be sent from here. */
  readonly held: HeldParts | undefined;
  /** Bytes of all that could be sent; null when nothing could. */
  readonly bytes: number | null;
  /** Fingerprints of the keys that signed it. */
  readonly signers: readonly string[];
  close(): Promise<void>;
}

/** What the words of the command say beside what is deployed. */
export interface DeployWords extends Omit<PackageWords, 'annotations'> {
  readonly name?: string | undefined;
  /** The key that its name belongs to from now on. */
  readonly trust?: string | undefined;
  readonly service?: boolean | undefined;
  /** Another address that it can be fetched from. */
  readonly from?: string | undefined;
}

/** Which kind of thing a name stands for at the host. */
export type Lookup = (name: string) => Promise<Want>;

const NOTHING_HELD = { kind: 'wanted', held: undefined, bytes: null, signers: [], close: async () => {} } as const;

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
  const found = await stat(what).catch(() => null);
  if (words.strip === true && found?.isDirectory() !== true) throw new UsageError(STRIP_WHAT);
  if (/^https?:\/\//.test(what)) return fromAddress(what, unsigned(words, 'an address that the host fetches from'));
  if (isRegistryAddress(what)) return ofFunction(what, words, signal);
  if (found === null) {
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(what))
      throw new UsageError(`expected a file, a project, an address or the name of something on the host, got ${what}`);
    unsigned(words, 'what is on the host');
    return { name: parseName(what), want: await lookup(what), ...NOTHING_HELD };
  }
  if (found.isDirectory()) {
    const recipe = join(what, 'recipe.json');
    const isRecipe = words.service === true || (!(await exists(join(what, 'cloudlet.json'))) && (await exists(recipe)));
    if (isRecipe && words.strip === true) throw new UsageError(STRIP_WHAT);
    return isRecipe ? ofRecipe(recipe, words) : ofFunction(what, words, signal);
  }
  if (what.endsWith('.json')) return ofRecipe(what, words);
  if (what.endsWith('.overlay')) return ofOverlay(what, words);
  return ofFunction(what, words, signal);
}

/** Only what is here can be signed: a key that would not be used is a mistake. */
function unsigned(words: DeployWords, what: string): DeployWords {
  if (words.key === undefined && words.trust === undefined) return words;
  throw new UsageError(`expected --key and --trust with what is here, got them with ${what}`);
}

function fromAddress(address: string, words: DeployWords): Deployable {
  const path = URL.parse(address)?.pathname ?? '';
  // A component at another cloudlet has the name of its function.
  const own = /\/v1\/functions\/([^/]+)\/component$/.exec(path)?.[1] ?? nameOfFile(path);
  const name = nameFor(words.name, own);
  const isService = words.service === true || path.endsWith('.overlay');
  const want = isService ? { service: name, from: address } : { function: name, from: address };
  return { name, want, ...NOTHING_HELD };
}

async function ofFunction(path: string, words: DeployWords, signal: AbortSignal): Promise<Deployable> {
  const found = await publishableSource(path, words, signal);
  const name = nameFor(words.name, found.name);
  const { content, digest, close } = await functionContent(found);
  return {
    name,
    kind: 'function',
    content,
    digest,
    component: found.path,
    from: words.from,
    signers: found.signers ?? [],
    bytes: content.bytes,
    close,
  };
}

async function ofRecipe(path: string, words: DeployWords): Promise<Deployable> {
  const { readRecipeFile } = await import('../../../guest-sdk/build/index.ts');
  const { name: own, recipe, parts } = await readRecipeFile(path);
  const name = nameFor(words.name, own);
  const signed = words.key === undefined ? recipe : await signRecipe(recipe, (await readKey(words.key)).key);
  const list: Part[] = [...parts.values()].map(({ digest, bytes }) => ({ digest, bytes }));
  const held: HeldParts = {
    parts: list,
    read: async (digest) => {
      const part = parts.get(digest);
      if (part !== undefined) return part.read();
      throw new CloudletError('conflict', `expected a file of the recipe to be wanted, got ${digest}`);
    },
  };
  return {
    kind: 'wanted',
    name,
    want: { service: name, recipe: { ...signed } },
    signers: await documentSigners(recipeDocument(signed)),
    held,
    bytes: sumOf(list),
    close: async () => {},
  };
}

async function ofOverlay(path: string, words: DeployWords): Promise<Deployable> {
  const overlay = await openOverlayFile(path);
  const name = nameFor(words.name, nameOfFile(path));
  const held = overlayParts(overlay);
  try {
    const { signed } = overlay.overlay;
    const signatures =
      words.key === undefined ? signed.signatures : await signedBy(signed, (await readKey(words.key)).key);
    const signers = await documentSigners({ ...signed, signatures });
    const document = JSON.parse(overlay.text) as Record<string, unknown>;
    const want = { service: name, overlay: signatures.length === 0 ? document : { ...document, signatures } };
    return { kind: 'wanted', name, want, held, signers, bytes: sumOf(held.parts), close: () => overlay.close() };
  } catch (error) {
    await overlay.close();
    throw error;
  }
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
