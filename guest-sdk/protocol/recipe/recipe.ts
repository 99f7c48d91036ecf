import * as v from 'valibot';
import { DigestText, Part } from '../deployment/part.ts';
import { CloudletError } from '../errors.ts';
import { guestPathFault, strictParse } from '../grant/index.ts';
import { ServiceSpec } from '../service.ts';
import { DocumentSignatures } from '../signature/index.ts';

/** Longest text of a file, and longest script, characters; what is longer travels as parts. */
export const MAX_RECIPE_TEXT = 64 * 1024;

/** Most bytes of all files of a recipe that travel as parts. */
export const MAX_RECIPE_BYTES = 1024 * 1024 * 1024;

const Path = v.pipe(
  v.string(),
  v.check(
    (path) => path.startsWith('/') && path !== '/' && guestPathFault(path) === null,
    'an absolute path of plain names, such as "/srv/www/index.html"',
  ),
);

/** A file of a VM, whose content is a text or lies in parts, one after the other. */
export const RecipeFile = v.pipe(
  v.strictObject({
    path: Path,
    /** As `chmod` takes it: `0755`. */
    mode: v.optional(v.pipe(v.string(), v.regex(/^0[0-7]{3}$/, 'permissions such as "0644" or "0755"')), '0644'),
    text: v.optional(v.pipe(v.string(), v.maxLength(MAX_RECIPE_TEXT))),
    parts: v.optional(v.pipe(v.array(Part), v.minLength(1), v.maxLength(4096))),
  }),
  v.check(({ text, parts }) => (text === undefined) !== (parts === undefined), 'either "text" or "parts"'),
);
export type RecipeFile = v.InferOutput<typeof RecipeFile>;

/** A package of Debian, and its version where one is meant: `gocr`, `gocr=0.52-6`. */
const PackageName = v.pipe(
  v.string(),
  v.maxLength(200),
  v.regex(
    /^[a-z0-9][a-z0-9.+-]+(=[A-Za-z0-9][A-Za-z0-9.+~:-]*)?$/,
    'a name of a Debian package, such as "gocr" or "gocr=0.52-6"',
  ),
);

/** How a native server is made: what is put into a copy of a base VM, in this order, and what then runs in it. */
export const Recipe = v.pipe(
  v.strictObject({
    /** The base VM: the cloudlet's own, or the one of this digest. */
    base: v.optional(v.union([v.literal('default'), DigestText]), 'default'),
    /** Packages that are installed, from the sources that the base VM knows. */
    packages: v.optional(v.pipe(v.array(PackageName), v.maxLength(256)), []),
    files: v.optional(v.pipe(v.array(RecipeFile), v.maxLength(256)), []),
    /** Lines for `/bin/sh` as root, of which the first that fails is the last. */
    script: v.optional(v.pipe(v.string(), v.maxLength(MAX_RECIPE_TEXT)), ''),
    service: ServiceSpec,
    /** Of whoever publishes it: see `recipeDocument`. */
    signatures: v.optional(DocumentSignatures),
  }),
  v.check(({ files }) => new Set(files.map(({ path }) => path)).size === files.length, 'files with different paths'),
  v.check(
    ({ files }) => files.reduce((sum, file) => sum + bytesOf(file), 0) <= MAX_RECIPE_BYTES,
    `files of at most ${MAX_RECIPE_BYTES} bytes together`,
  ),
);
export type Recipe = v.InferOutput<typeof Recipe>;

/** A recipe as it is written, with what may be left out left out. */
export type RecipeInput = v.InferInput<typeof Recipe>;

/** Reads a recipe; `recipe-invalid` names the key, what was expected and what came. */
export function parseRecipe(value: unknown, what = 'the recipe'): Recipe {
  return strictParse(Recipe, value, what, 'recipe-invalid');
}

/** The parts that a recipe's files are made of, each once. A digest that is declared with two lengths is refused. */
export function partsOfRecipe({ files }: Pick<Recipe, 'files'>): Part[] {
  const parts = new Map<string, Part>();
  for (const part of files.flatMap((file) => file.parts ?? [])) {
    const known = parts.get(part.digest);
    if (known !== undefined && known.bytes !== part.bytes) {
      throw new CloudletError(
        'recipe-invalid',
        `the part ${part.digest} is said to have ${known.bytes} bytes, and ${part.bytes}`,
      );
    }
    parts.set(part.digest, part);
  }
  return [...parts.values()];
}

function bytesOf({ parts = [] }: RecipeFile): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
