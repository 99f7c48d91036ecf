export { DENIABLE, type Deniable, denying, isStated } from './denial.ts';
export { describeGrant } from './describe-grant.ts';
export { emptyGrant, Grant, GrantRequest, HttpHosts, LIMIT_ENTRIES, SecretName, SocketHosts } from './grant.ts';
export { guestPathFault, namesOfGuestPath, plainPathFault } from './guest-path.ts';
export {
  coversPattern,
  formatHostPattern,
  type HostPattern,
  intersectPatterns,
  parseHostPattern,
} from './host-pattern.ts';
export { LIMIT_NAMES, LIMITS, type LimitName, type Limits, type LimitTraits, limitsWith } from './limits.ts';
export { type AskedGrant, askedGrant, NOTHING_ASKED, parseGrant, secretsUsed } from './parse-grant.ts';
export { strictParse } from './strict-parse.ts';
