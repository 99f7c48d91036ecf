import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import {
  CloudletError,
  type Digest,
  digestOfHex,
  type FunctionName,
  MAX_PART_BYTES,
  MAX_RECIPE_TEXT,
  type Part,
  parseName,
  parseRecipe,
  plainPathFault,
  Recipe,
  RecipeFile,
  strictParse,
} from '../protocol/index.ts';
import { readDocument } from './document.ts';

/** Bytes of a recipe's file that travel apart, and where they lie on this computer. */
export interface RecipeBytes {
  readonly digest: Digest;
  readonly bytes: number;
  /** Reads them; `recipe-invalid` when the file has changed since. */
  read(): Promise<Uint8Array>;
}

/** A recipe of this computer: what is said of it, and the bytes that it names. */
export interface LocalRecipe {
  /** Of the service: what the file says, else the name of its folder. */
  readonly name: FunctionName;
  readonly recipe: Recipe;
  /** By digest; empty when all files are short texts. */
  readonly parts: ReadonlyMap<Digest, RecipeBytes>;
}

const { files: _files, ...RECIPE_ENTRIES } = Recipe.pipe[0].entries;
const { text, mode, path } = RecipeFile.pipe[0].entries;

/** What a file such as `recipe.json` may say: a recipe, the name of its service, and files by where they lie beside it. */
const RecipeDocument = v.strictObject({
  ...RECIPE_ENTRIES,
  /** Lets an editor check the file; not read. */
  $schema: v.optional(v.string()),
  name: v.optional(v.string()),
  files: v.optional(
    v.array(
      v.pipe(
        v.strictObject({
          ...{ path, mode, text },
          from: v.optional(
            v.pipe(
              v.string(),
              v.check((from) => plainPathFault(from) === null, 'a path below the folder of the recipe'),
            ),
          ),
        }),
        v.check((file) => (file.text === undefined) !== (file.from === undefined), 'either "text" or "from"'),
      ),
    ),
    [],
  ),
});

/** Reads a recipe and the files that it names, which are below its folder. `recipe-invalid` says what is wrong with it. */
export async function readRecipeFile(path: string): Promise<LocalRecipe> {
  const folder = dirname(resolve(path));
  const {
    $schema: _,
    name,
    files,
    ...rest
  } = strictParse(RecipeDocument, await readJson(path), path, 'recipe-invalid');
  const parts = new Map<Digest, RecipeBytes>();
  const read: v.InferInput<typeof RecipeFile>[] = [];
  for (const { from, ...file } of files) {
    read.push(from === undefined ? file : { ...file, ...(await contentOf(join(folder, from), parts)) });
  }
  return { name: parseName(name ?? basename(folder)), recipe: parseRecipe({ ...rest, files: read }, path), parts };
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readDocument(path));
  } catch (error) {
    const why = error instanceof SyntaxError ? `which is no JSON: ${error.message}` : (error as Error).message;
    throw new CloudletError('recipe-invalid', `expected a recipe in ${path}, ${why}`, { cause: error });
  }
}

/** Short texts travel in the recipe, all else in parts. */
async function contentOf(
  path: string,
  parts: Map<Digest, RecipeBytes>,
): Promise<{ readonly text: string } | { readonly parts: Part[] }> {
  const file = await open(path).catch((error: unknown) => {
    throw new CloudletError('recipe-invalid', `the recipe names ${path}, which cannot be read`, { cause: error });
  });
  try {
    const { size } = await file.stat();
    if (size <= MAX_RECIPE_TEXT) {
      const text = asText(await file.readFile());
      if (text !== null) return { text };
    }
    const made: Part[] = [];
    for (let at = 0; at < size; at += MAX_PART_BYTES) {
      const bytes = await piece(path, at, Math.min(MAX_PART_BYTES, size - at));
      const digest = digestOf(bytes);
      const read = async () => {
        const now = await piece(path, at, bytes.length);
        if (digestOf(now) === digest) return now;
        throw new CloudletError('recipe-invalid', `${path} has changed since the recipe was read; deploy it again`);
      };
      parts.set(digest, { digest, bytes: bytes.length, read });
      made.push({ digest, bytes: bytes.length });
    }
    return { parts: made };
  } finally {
    await file.close();
  }
}

function asText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null; // It is no text: its bytes travel.
  }
}

async function piece(path: string, at: number, length: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const bytes = new Uint8Array(length);
    const { bytesRead } = await file.read(bytes, 0, length, at);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function digestOf(bytes: Uint8Array): Digest {
  return digestOfHex(createHash('sha256').update(bytes).digest('hex'));
}
