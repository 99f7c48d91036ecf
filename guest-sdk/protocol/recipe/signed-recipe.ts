import { type SignedDocument, signedBy } from '../signature/index.ts';
import type { Recipe, RecipeInput } from './recipe.ts';

/** What the signatures of a recipe are of: its text as JSON, members in order, without them. What is left out of it stays left out, whatever it means later. */
export function recipeDocument(recipe: object): SignedDocument {
  const { signatures = [], ...rest } = recipe as Pick<Recipe, 'signatures'>;
  const payload = new TextEncoder().encode(JSON.stringify(ordered(rest)));
  return { type: 'recipe', payload, signatures };
}

/** A recipe with a signature by this private key (JWK): a cloudlet then knows whose it is. */
export async function signRecipe<Signed extends RecipeInput>(recipe: Signed, key: JsonWebKey): Promise<Signed> {
  return { ...recipe, signatures: await signedBy(recipeDocument(recipe), key) };
}

/** Members in one order. `canonicalJson` refuses fractions, and a recipe has some (`cpus`). */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, ordered(each)]));
}
