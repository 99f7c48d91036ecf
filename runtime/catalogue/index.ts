export { Catalogue, type CatalogueParts, type EntryProvisioner, type EntryWish } from './catalogue.ts';
export type { CataloguePolicy, PublisherPolicy } from './publisher-policy.ts';
