export {
  Catalogue,
  type CatalogueParts,
  type EntryProvisioner,
  type EntryWish,
  type ProvisionedEntry,
} from './catalogue.ts';
export type { CataloguePolicy, PublisherPolicy } from './publisher-policy.ts';
