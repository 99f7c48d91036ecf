import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { CloudletError, digestOfHex, MAX_ENTRY_FILES } from '../../../guest-sdk/protocol/index.ts';
import { fileSource, type SourceFile } from './source-file.ts';

/** A recipe as the files of an entry. */
export interface RecipeSource {
  /** What the recipe calls its service; null when it is one that names parts by digest. */
  readonly name: string | null;
  /** The recipe, in which files of this computer are texts, or parts by digest. */
  readonly document: SourceFile;
  /** Those parts. */
  readonly parts: readonly SourceFile[];
}

/** Reads a recipe with the files that it names, so that a cloudlet can do without this computer. One that has parts by digest stays as it is. */
export async function recipeSource(path: string): Promise<RecipeSource> {
  if (await hasParts(path)) return { name: null, document: await fileSource(path), parts: [] };
  const { readRecipeFile } = await import('../../../guest-sdk/build/index.ts');
  const { name, recipe, parts } = await readRecipeFile(path);
  if (parts.size >= MAX_ENTRY_FILES)
    throw new CloudletError(
      'request-invalid',
      `expected files of less than ${MAX_ENTRY_FILES} parts for an entry, ${path} has ${parts.size}; offer it as an overlay: npx cloudlet vm overlay create`,
    );
  const text = Buffer.from(JSON.stringify(recipe));
  const digest = digestOfHex(createHash('sha256').update(text).digest('hex'));
  return {
    name,
    document: { name: basename(path), digest, bytes: text.length, open: () => text },
    parts: [...parts.values()].map(({ digest: part, bytes, read }) => ({
      name: `${part.slice('sha256:'.length)}.part`,
      digest: part,
      bytes,
      open: () => once(read),
    })),
  };
}

async function* once(read: () => Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await read();
}

async function hasParts(path: string): Promise<boolean> {
  const value = await readFile(path, 'utf8')
    .then(JSON.parse)
    .catch(() => null); // Whoever reads it says what is wrong.
  const files: unknown = (value as { readonly files?: unknown } | null)?.files;
  return Array.isArray(files) && files.some((file: unknown) => Object.hasOwn(Object(file), 'parts'));
}

/** Whether a JSON document is a recipe rather than the source of an entry. */
export async function isRecipe(path: string): Promise<boolean> {
  const value: unknown = await readFile(path, 'utf8')
    .then(JSON.parse)
    .catch(() => null);
  return (
    typeof value === 'object' && value !== null && Object.hasOwn(value, 'service') && !Object.hasOwn(value, 'kind')
  );
}
