export {
  MAX_RECIPE_BYTES,
  MAX_RECIPE_TEXT,
  parseRecipe,
  partsOfRecipe,
  Recipe,
  RecipeFile,
  type RecipeInput,
} from './recipe.ts';
export { recipeDocument, signRecipe } from './signed-recipe.ts';
