export {
  type AdvertisedFacts,
  advertisementText,
  instanceLabel,
  MAX_LABEL_BYTES,
  parseAdvertisement,
  SERVICE_TYPE,
} from './advertisement.ts';
export * from './api.ts';
export * from './chunks/index.ts';
export * from './deployment/index.ts';
export { bytesOfDigest, type Digest, digestOf, digestOfBytes, digestOfHex, hexOf, parseDigest } from './digest.ts';
export * from './entry/index.ts';
export {
  asCloudletError,
  CloudletError,
  ERRORS,
  type ErrorCode,
  type ErrorTraits,
  isErrorCode,
} from './errors.ts';
export * from './function-publisher.ts';
export * from './grant/index.ts';
export { type FunctionName, parseName } from './name.ts';
export * from './package/index.ts';
export * from './recipe/index.ts';
export * from './registry/index.ts';
export * from './service.ts';
export * from './service-info.ts';
export * from './signature/index.ts';
export * from './traffic-split.ts';
export {
  type BodySource,
  readWhole,
  type Transport,
  type TransportRequest,
  type TransportResponse,
} from './transport.ts';
export * from './use/index.ts';
export * from './value/index.ts';
export * from './version.ts';
export { type ComparedVersions, compareVersions } from './version-diff.ts';
export { type NamedVersions, parseVersionWord, type VersionWord, versionOfWord } from './version-word.ts';
export { type Wait, waited } from './waited.ts';
export {
  formatFunction,
  formatType,
  type WitCase,
  type WitField,
  type WitFunction,
  type WitPrimitive,
  type WitType,
} from './wit-type.ts';
export { parseType } from './wit-type-text.ts';
