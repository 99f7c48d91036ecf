export { Distribution, type DistributionParts } from './distribution.ts';
export type { AcceptedManifest, PushedManifest } from './push.ts';
export {
  parseReference,
  parseRegistryDigest,
  parseRepository,
  parseWantedDigest,
  parseWantedReference,
  type Reference,
} from './reference.ts';
export { type RegistryCode, RegistryRefusal } from './refusal.ts';
export type { FoundManifest, Referrer } from './repositories.ts';
