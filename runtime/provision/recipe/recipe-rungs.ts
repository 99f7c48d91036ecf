import {
  CloudletError,
  type FunctionName,
  parseRecipe,
  partsOfRecipe,
  type Recipe,
  recipeDocument,
  type SignedDocument,
} from '../../../guest-sdk/protocol/index.ts';
import type { Rung } from '../deployment/rung.ts';
import { isServing, type ServiceHall, serveImage } from '../deployment/service/serve-image.ts';
import { isAtHand, serviceWish, type Wish } from '../deployment/wish.ts';
import { publishersOf, type ServicePublishers } from '../service-publisher.ts';
import type { Recipes } from './recipes.ts';

/** What the ways by a recipe need. */
export interface RecipeRungParts {
  readonly recipes: Pick<Recipes, 'cached' | 'make'>;
  readonly services: ServiceHall;
  readonly publishers: Pick<ServicePublishers, 'admitDocument'>;
}

/** The ways to a service by its recipe: `running` and `cached`, what it came to before, and `on-demand`. */
export function recipeRungs(parts: RecipeRungParts): Rung<Wish>[] {
  return [madeRung('running', parts), madeRung('cached', parts), onDemandRung(parts)];
}

/** What the recipe came to is here, and the versions of its packages are known to be the newest. `running`: a VM of it serves already. */
function madeRung(name: 'running' | 'cached', { recipes, services, publishers }: RecipeRungParts): Rung<Wish> {
  return {
    name,
    offer: async (wish, signal) => {
      const asked = recipeOf(wish);
      if (asked === null) return null;
      const image = await unlessBaseUnknown(recipes.cached(asked.recipe, signal));
      if (
        name === 'running' &&
        (image instanceof CloudletError || !isServing(services, asked.name, image?.digest ?? ''))
      )
        return null;
      if (image instanceof CloudletError) return { why: image.message };
      if (image === null) return { why: 'its recipe was not made here within the last day' };
      const { digest, service } = image;
      const made = publishersOf(services, digest);
      const admitted = await publishers.admitDocument(asked.name, asked.signed, wish, made);
      const served = { digest, service, admitted };
      return { missing: [], provision: (context) => serveImage(services, asked.name, served, context) };
    },
  };
}

/** `on-demand`: the recipe is run on a copy of its base VM. */
function onDemandRung({ recipes, services, publishers }: RecipeRungParts): Rung<Wish> {
  return {
    name: 'on-demand',
    offer: async (wish, signal) => {
      const asked = recipeOf(wish);
      if (asked === null) return null;
      // Before anything else that is missing: a base that was built for it in vain would be worse.
      const admitted = await publishers.admitDocument(asked.name, asked.signed, wish);
      const parts = partsOfRecipe(asked.recipe);
      const gone = parts.find(({ digest }) => !isAtHand(wish, digest));
      if (gone !== undefined) return { why: `the device does not have the part ${gone.digest} of the recipe's files` };
      const base = await unlessBaseUnknown(recipes.cached(asked.recipe, signal));
      if (base instanceof CloudletError) return { why: base.message };
      return {
        missing: parts,
        provision: async (context) => {
          const { digest, service } = (await recipes.make(asked.recipe, context)).image;
          return serveImage(services, asked.name, { digest, service, admitted }, context);
        },
      };
    },
  };
}

/** A wish for a service with a recipe, read; null for another. */
function recipeOf(
  wish: Wish,
): { readonly name: FunctionName; readonly recipe: Recipe; readonly signed: SignedDocument } | null {
  const want = serviceWish(wish);
  if (want?.recipe === undefined) return null;
  return { name: want.service, recipe: parseRecipe(want.recipe), signed: recipeDocument(want.recipe) };
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
