import { createHash } from 'node:crypto';
import type { Digest, Recipe } from '../../../guest-sdk/protocol/index.ts';

/** Changes when a recipe comes to something else than before: what was made is made anew. */
const FORMAT = 1;

/** 64 hex digits that name a recipe on a base. */
export function recipeKey(recipe: Recipe, base: Digest): string {
  return hash(['recipe', FORMAT, base, unsigned(recipe)]);
}

/** 64 hex digits that name what a recipe comes to with these versions of packages. */
export function madeKey(recipe: Recipe, base: Digest, versions: readonly string[]): string {
  return hash(['made', FORMAT, base, unsigned(recipe), versions]);
}

/** Who signed it changes nothing of what it comes to. */
function unsigned({ signatures: _, ...recipe }: Recipe): Recipe {
  return recipe;
}

function hash(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(ordered(value)))
    .digest('hex');
}

/** The same data with its keys in one order: recipes that say the same have one key. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, ordered(each)]));
}
