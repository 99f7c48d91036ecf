export { Bell } from './bell.ts';
export { checkImports, grantWarnings, importsWithoutGrant } from './check-imports.ts';
export { Deployments, type Provisioning } from './deployments.ts';
export {
  checkDoor,
  describeManifest,
  type FunctionDescription,
  findExport,
  formatDescription,
  parseDescription,
} from './function-description.ts';
export { grantedDirectories, readPackageFiles } from './package/package-files.ts';
export { parsePackage, type StoredPackage } from './package/stored-package.ts';
export { type PublishOptions, type PublishParts, type PublishProgress, publishComponent } from './publish.ts';
