export { BlobStore, type OpenedBlob, type WriteOptions, type WrittenBlob } from './blob-store.ts';
export { DataDir } from './data-dir.ts';
export { DirectoryLock } from './directory-lock.ts';
export { syncDirectory, writeDurably } from './durable-file.ts';
export type { EntryQuery, FoundEntries } from './entry-search.ts';
export { EntryTable, type NewEntry, type PageBlob, type RegisteredEntry, unknownEntry } from './entry-table.ts';
export { cloudletId, type Identity } from './identity.ts';
export {
  type HeldVersion,
  type NewVersion,
  pickVersion,
  type RegisteredFunction,
  type RegisteredVersion,
  rollbackTarget,
} from './registered.ts';
export { Registry } from './registry.ts';
export { migrate } from './registry-schema.ts';
export type { SecretVault } from './secret-vault.ts';
export type { PastService } from './service-past-table.ts';
export { type RegisteredService, ServiceTable } from './service-table.ts';
export { asDatabaseError, asStorageError, isMissing } from './storage-error.ts';
export { TrafficTable } from './traffic-table.ts';
export { abortError, untilAborted } from './until-aborted.ts';
export { type ByteSpan, type StoredFile, VerifiedFiles } from './verified-file.ts';
