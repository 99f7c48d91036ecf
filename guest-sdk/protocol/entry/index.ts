export * from './entry-api.ts';
export {
  blobsOf,
  EntryFile,
  EntryKind,
  EntryManifest,
  ICON_TYPES,
  MAX_ENTRY_FILES,
  MAX_ICON_BYTES,
  MAX_MANIFEST_BYTES,
  manifestDigest,
  parseEntryManifest,
} from './manifest.ts';
export { OS_NAME, OS_VERSION, runsOn, sortableOsVersion } from './os-version.ts';
