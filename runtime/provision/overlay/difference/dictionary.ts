import { MAX_DICTIONARY_PAGES, PAGE_BYTES, type SourceRun } from '../page-run.ts';
import type { ReadPages } from './changed-pages.ts';
import type { PlannedSegment } from './segment-plan.ts';

const ZEROS = Buffer.alloc(PAGE_BYTES);

/** Of the literals, those that must have a page in the base: fewer make no difference, and compressing is done twice for it. */
const LEAST_SHARE = 0.05;

/**
 * Pages of the base's memory that stood where the literals of a segment stand now, but for zeros: what changed in them is mostly little. None for the
 * disk, where a block that is written again is mostly that of another file.
 */
export function chooseDictionary({ kind, runs }: PlannedSegment, read: ReadPages): SourceRun[] {
  if (kind === 'disk') return [];
  const source = 'base-memory';
  const page = Buffer.alloc(PAGE_BYTES);
  const chosen: SourceRun[] = [];
  let left = MAX_DICTIONARY_PAGES;
  for (const run of runs) {
    if (run.kind !== 'literal') continue;
    for (let at = run.at; at < run.at + run.count && left > 0; at++) {
      read(source, at, page);
      if (page.equals(ZEROS)) continue;
      const last = chosen.at(-1);
      if (last !== undefined && last.from + last.count === at)
        chosen[chosen.length - 1] = { ...last, count: last.count + 1 };
      else chosen.push({ source, from: at, count: 1 });
      left -= 1;
    }
  }
  const literals = runs.reduce((sum, run) => sum + (run.kind === 'literal' ? run.count : 0), 0);
  return MAX_DICTIONARY_PAGES - left < literals * LEAST_SHARE ? [] : chosen;
}
