export { type Caller, userOf } from './caller.ts';
export { bearerCaller, gate, isAnonymous, plainCaller } from './gate.ts';
export { hostOf, isOwnOrigin, type OwnNames, type OwnNamesOptions, ownNames } from './own-names.ts';
export { ownerTokenPath, readOwnerToken } from './owner-token.ts';
export { type OpenedSession, SESSION_MS, SessionStore } from './session-store.ts';
export { addressOf, createTrust, identify, proveOwner, type Trust, type TrustOptions } from './trust.ts';
export { MAX_WRONG_TOKENS, WrongTokens } from './wrong-tokens.ts';
