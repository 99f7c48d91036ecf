export { Arrivals } from './arrival/arrivals.ts';
export { takenBack } from './arrival/take-back.ts';
export { Bell } from './bell.ts';
export {
  checkImports,
  grantWarnings,
  importsBeyondGrant,
  importsWithoutGrant,
  type UngrantedImport,
} from './check-imports.ts';
export type { AskedDeployment } from './deployment/asked-deployment.ts';
export { DeploymentStore } from './deployment/deployment-store.ts';
export { Deployments } from './deployment/deployments.ts';
export type { DeploymentsOptions } from './deployment/deployments-options.ts';
export type { Dictionaries } from './deployment/dictionaries.ts';
export { type FunctionRungParts, functionRungs } from './deployment/function/function-rungs.ts';
export type { DeploymentPatience } from './deployment/progress-watch.ts';
export type { Offer, Part, PartSource, Provisioned, Rung, RungContext, RungProgress } from './deployment/rung.ts';
export { type KnownServiceParts, knownServiceRungs } from './deployment/service/known-service.ts';
export { functionWish, isAtHand, serviceWish, type Wish } from './deployment/wish.ts';
export {
  checkDoor,
  describeManifest,
  type FunctionDescription,
  findExport,
  formatDescription,
  parseDescription,
} from './function-description.ts';
export { checkFunctionPublisher, isTrustedPublisher } from './function-publisher.ts';
export { type CreateOverlayOptions, createOverlay } from './overlay/create/create-overlay.ts';
export { type MadeOverlay, overlayOf } from './overlay/create/overlay-of.ts';
export { levelFor, type MeasuredLevel, measureLevels } from './overlay/level.ts';
export { type OverlayFile, openOverlayFile } from './overlay/overlay-file.ts';
export { type OverlayRungParts, overlayRungs } from './overlay/overlay-rungs.ts';
export { signOverlayFile } from './overlay/sign-overlay.ts';
export { BlankVms } from './overlay/synthesis/blank-vms.ts';
export { ByteFeed } from './package/byte-feed.ts';
export { filesInPackage } from './package/listed-files.ts';
export { grantedDirectories, readPackageFiles } from './package/package-files.ts';
export type { ReceivedPackage } from './package/receive-package.ts';
export { parsePackage, type StoredPackage } from './package/stored-package.ts';
export { readTar } from './package/tar-reader.ts';
export {
  type PublishOptions,
  type PublishParts,
  type PublishProgress,
  publishComponent,
  publishReceived,
  publishStored,
} from './publish.ts';
export { holdBase } from './recipe/hold-base.ts';
export { type RecipeRungParts, recipeRungs } from './recipe/recipe-rungs.ts';
export { type MadeRecipe, Recipes, type RecipesOptions } from './recipe/recipes.ts';
export { RememberedRecipes } from './recipe/remembered.ts';
export { inPlace, openWorkshop } from './recipe/vm-workshop.ts';
export { RegistryPulls } from './registry/registry-pulls.ts';
export { ServicePublishers } from './service-publisher.ts';
