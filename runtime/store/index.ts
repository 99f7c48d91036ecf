export { BlobStore, type OpenedBlob, type WriteOptions, type WrittenBlob } from './blob-store.ts';
export { DataDir } from './data-dir.ts';
export { DirectoryLock } from './directory-lock.ts';
export { syncDirectory, writeDurably } from './durable-file.ts';
export { cloudletId, type Identity } from './identity.ts';
export { type NewVersion, type RegisteredFunction, type RegisteredVersion, Registry } from './registry.ts';
export { migrate } from './registry-schema.ts';
export { asDatabaseError, asStorageError, isMissing } from './storage-error.ts';
export { abortError, untilAborted } from './until-aborted.ts';
