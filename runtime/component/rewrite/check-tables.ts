import type { ModuleTraits } from '../artifact.ts';
import { refused } from '../binary/byte-reader.ts';
import { MAX_TABLE_ELEMENTS } from './limits.ts';

/** Refuses modules whose instances start with too large tables: all start with them at once. */
export function checkTables(modules: readonly ModuleTraits[]): void {
  const elements = modules.reduce((sum, { instances, tableElements }) => sum + instances * tableElements, 0);
  if (elements <= MAX_TABLE_ELEMENTS) return;
  throw refused(`expected tables of at most ${MAX_TABLE_ELEMENTS} elements together, got ${elements} at the start`);
}
