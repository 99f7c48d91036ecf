import {
  CloudletError,
  type FunctionName,
  parseRecipe,
  partsOfRecipe,
  type Recipe,
} from '../../../guest-sdk/protocol/index.ts';
import type { VmImage } from '../../vm/image/vm-image.ts';
import type { Offer, Provisioned, Rung, RungContext } from '../deployment/rung.ts';
import { isAtHand, serviceWish, type Wish } from '../deployment/wish.ts';
import type { Recipes } from './recipes.ts';

/** What the ways by a recipe need. */
export interface RecipeRungParts {
  readonly recipes: Pick<Recipes, 'cached' | 'make'>;
  /** Gives a name an image and resolves when a VM of it serves; when it does not, the name has what it had before. */
  readonly serve: (name: FunctionName, image: VmImage, signal: AbortSignal) => Promise<void>;
}

/** The ways to a service by its recipe: `cached`, what it came to before, and `on-demand`. */
export function recipeRungs(parts: RecipeRungParts): Rung<Wish>[] {
  return [cachedRecipeRung(parts), onDemandRung(parts)];
}

/** `cached`: what the recipe came to is here, and the versions of its packages are known to be the newest. Nothing runs but the service. */
function cachedRecipeRung({ recipes, serve }: RecipeRungParts): Rung<Wish> {
  return {
    name: 'cached',
    offer: async (wish, signal) => {
      const asked = recipeOf(wish);
      if (asked === null) return null;
      const image = await unlessBaseUnknown(recipes.cached(asked.recipe, signal));
      if (image instanceof CloudletError) return { why: image.message };
      if (image === null) return { why: 'its recipe was not made here within the last day' };
      return offering([], async (context) => started(serve, asked.name, image, context));
    },
  };
}

/** `on-demand`: the recipe is run on a copy of its base VM. */
function onDemandRung({ recipes, serve }: RecipeRungParts): Rung<Wish> {
  return {
    name: 'on-demand',
    offer: async (wish, signal) => {
      const asked = recipeOf(wish);
      if (asked === null) return null;
      const parts = partsOfRecipe(asked.recipe);
      const gone = parts.find(({ digest }) => !isAtHand(wish, digest));
      if (gone !== undefined) return { why: `the device does not have the part ${gone.digest} of the recipe's files` };
      const base = await unlessBaseUnknown(recipes.cached(asked.recipe, signal));
      if (base instanceof CloudletError) return { why: base.message };
      return offering(parts, async (context) => {
        const { image } = await recipes.make(asked.recipe, context);
        return started(serve, asked.name, image, context);
      });
    },
  };
}

function offering(missing: Offer['missing'], provision: Offer['provision']): Offer {
  return { missing, provision };
}

async function started(
  serve: RecipeRungParts['serve'],
  name: FunctionName,
  image: VmImage,
  { report, signal }: RungContext,
): Promise<Provisioned> {
  report({ stage: 'starting', digest: image.digest });
  await serve(name, image, signal);
  return { kind: 'service', name, address: `/s/${name}/`, digest: image.digest };
}

/** A wish for a service with a recipe, read; null for another. */
function recipeOf(wish: Wish): { readonly name: FunctionName; readonly recipe: Recipe } | null {
  const want = serviceWish(wish);
  if (want?.recipe === undefined) return null;
  return { name: want.service, recipe: parseRecipe(want.recipe) };
}

/** What a promise comes to; the error itself when there is no base, which is no fault of the ladder. */
async function unlessBaseUnknown<T>(promise: Promise<T>): Promise<T | CloudletError> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof CloudletError && ['base-unknown', 'conditions-differ'].includes(error.code)) return error;
    throw error;
  }
}
