/** What functions use of what they are granted. */
export { compareUse, isWithin, UseItem } from './compare-use.ts';
export { describeUse } from './describe-use.ts';
export { MAX_USE_ENTRIES, mergeUse, NO_USE, Use } from './use.ts';
