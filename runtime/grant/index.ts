export { type EffectiveGrant, effectiveGrant, grantedHosts, type Reduction } from './effective-grant.ts';
export { type GivenTexts, givenTexts, missingSecrets, type SecretValues } from './given.ts';
export {
  type AllowedHosts,
  type FunctionPublishers,
  type HostPolicy,
  hostPolicy,
  PolicyFile,
  parsePolicy,
} from './host-policy.ts';
