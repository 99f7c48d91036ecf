export { Catalogue, type CatalogueParts, type EntryProvisioner, type EntryWish, type StoredFile } from './catalogue.ts';
export type { CataloguePolicy, PublisherPolicy } from './publisher-policy.ts';
export type { ByteSpan } from './verified-file.ts';
