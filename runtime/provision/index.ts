export { Bell } from './bell.ts';
export { Deployments, type Provisioning } from './deployments.ts';
export {
  checkDoor,
  describeManifest,
  type FunctionDescription,
  findExport,
  formatDescription,
  parseDescription,
} from './function-description.ts';
export { type PublishOptions, type PublishParts, type PublishProgress, publishComponent } from './publish.ts';
