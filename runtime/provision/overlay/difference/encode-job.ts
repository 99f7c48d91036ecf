import { open, readFile } from 'node:fs/promises';
import type { BlockRun } from '../block-set.ts';
import { LEVELS, levelFor, measureLevels } from '../level.ts';
import type { SegmentEntry } from '../overlay-manifest.ts';
import { PAGE_BYTES } from '../page-run.ts';
import { type BasePlace, type ChangedPage, changedPages, findInBase, type ReadPages } from './changed-pages.ts';
import { type SavedFiles, SavedPages } from './saved-pages.ts';
import { type PlannedSegment, planSegments } from './segment-plan.ts';
import { literalsOf, writeSegments } from './write-segments.ts';

/** What the difference is made of: paths and numbers, so that it can be given to a thread. */
export interface EncodeJob {
  readonly base: SavedFiles;
  readonly result: SavedFiles & { readonly state: string };
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** Runs of blocks of the disk that may differ, ascending. */
  readonly written: readonly BlockRun[];
  /** Blocks in the order in which the server reads them first. */
  readonly touched: readonly number[];
  /** Literal pages of a segment. */
  readonly segmentPages: number;
  /** Level of zstd, 1 to 22; or the rate of the link that the segments will be sent over, for the level that suits it. */
  readonly level: number | { readonly bitsPerS: number };
  /** Segments that are compressed at once. */
  readonly atOnce: number;
  /** File that the segments are written to, one behind the other. It must not exist. */
  readonly segments: string;
}

/** What was found, in pages, and what it came to. */
export interface Difference {
  readonly entries: readonly SegmentEntry[];
  readonly figures: DifferenceFigures;
}

/** Pages of memory and blocks of the disk by what became of them. */
export interface DifferenceFigures {
  readonly memory: PageFigures;
  readonly disk: PageFigures;
  /** Level of zstd that they were compressed by. */
  readonly level: number;
  /** Milliseconds of each stage. */
  readonly ms: Readonly<Record<EncodeStage, number>>;
}

/** How many pages changed; of those zeros, those that the base has elsewhere, those that the overlay has already, and literals. */
export interface PageFigures {
  readonly changed: number;
  readonly zero: number;
  readonly base: number;
  readonly same: number;
  readonly literal: number;
}

/** What is done one after the other. */
export const ENCODE_STAGES = ['comparing', 'searching', 'compressing'] as const;
export type EncodeStage = (typeof ENCODE_STAGES)[number];

/** Told how far a stage is. */
export type EncodeProgress = (stage: EncodeStage, done: number, total: number) => void;

/** Finds what changed, and writes it as segments. It reads and compares while its caller waits: it is for a thread of its own. */
export async function encodeDifference(job: EncodeJob, onProgress: EncodeProgress): Promise<Difference> {
  const pages = await SavedPages.open(job.base, job.result, job.diskBytes);
  const file = await open(job.segments, 'wx', 0o600);
  const times: number[] = [performance.now()];
  const stageDone = () => void times.push(performance.now());
  try {
    const read: ReadPages = (source, from, into) => pages.read(source, from, into);
    const memoryPages = job.memoryBytes / PAGE_BYTES;
    onProgress('comparing', 0, 1);
    const memory = changedPages(read, ['base-memory', 'memory'], [{ at: 0, count: memoryPages }]);
    const disk = changedPages(read, ['base-disk', 'disk'], job.written);
    stageDone();
    onProgress('searching', 0, 1);
    const wanted = new Set([...memory, ...disk].map(({ hash }) => hash).filter((hash) => hash !== null));
    const sizes = { 'base-memory': memoryPages, 'base-disk': job.diskBytes / PAGE_BYTES };
    const base = findInBase(read, wanted, sizes);
    stageDone();
    const plan = planSegments({ memory, disk, touched: job.touched, base, segmentPages: job.segmentPages });
    const level = typeof job.level === 'number' ? job.level : await suitableLevel(job.level.bitsPerS, plan, read);
    const entries = await writeSegments(file, await readFile(job.result.state), plan, read, {
      level,
      atOnce: job.atOnce,
      onSegment: (done, total) => onProgress('compressing', done, total),
    });
    stageDone();
    const ms = Object.fromEntries(ENCODE_STAGES.map((stage, at) => [stage, times[at + 1]! - times[at]!]));
    const seen = new Set<string>();
    const figures = { memory: figuresOf(memory, base, seen), disk: figuresOf(disk, base, seen) };
    return { entries, figures: { ...figures, level, ms: ms as Record<EncodeStage, number> } };
  } finally {
    await file.close();
    await pages.close();
  }
}

/** Segments that levels are measured on: enough to tell them apart in seconds. */
const SAMPLES = 4;

/** The level that suits a link, measured on some of what is to be sent over it, from all parts of it. */
async function suitableLevel(bitsPerS: number, plan: readonly PlannedSegment[], read: ReadPages): Promise<number> {
  const step = Math.max(1, Math.floor(plan.length / SAMPLES));
  const samples = plan.filter((_, at) => at % step === 0).map((planned) => literalsOf(planned, read));
  const found = samples.filter(({ length }) => length > 0);
  return found.length === 0 ? LEVELS[0] : levelFor(bitsPerS, await measureLevels(found));
}

function figuresOf(
  pages: readonly ChangedPage[],
  base: ReadonlyMap<string, BasePlace>,
  seen: Set<string>,
): PageFigures {
  const counted = { changed: pages.length, zero: 0, base: 0, same: 0, literal: 0 };
  for (const { hash } of pages) {
    if (hash === null) counted.zero += 1;
    else if (base.has(hash)) counted.base += 1;
    else if (seen.has(hash)) counted.same += 1;
    else {
      counted.literal += 1;
      seen.add(hash);
    }
  }
  return counted;
}
