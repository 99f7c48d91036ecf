export { blobBytes } from './blob-bytes.ts';
export { type FoundPackage, findPackage, referrersOf, signaturesIn, wholeBlob } from './found-package.ts';
export { RegistryAccess, type RegistryOptions, type RegistryRequest } from './registry-access.ts';
export {
  isLoopbackName,
  isRegistryAddress,
  isRegistryHost,
  parseRegistryReference,
  type RegistryReference,
  registryOrigin,
} from './registry-reference.ts';
