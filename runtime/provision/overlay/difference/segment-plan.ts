import { MAX_SEGMENT_PAGES } from '../overlay-manifest.ts';
import type { PageRun } from '../page-run.ts';
import type { BasePlace, ChangedPage } from './changed-pages.ts';

/** What a segment will hold; its literals are read when it is written. */
export interface PlannedSegment {
  readonly kind: 'memory' | 'disk';
  readonly runs: readonly PageRun[];
  readonly pages: number;
  /** Disk segments, by their place in the plan, that it copies from. */
  readonly needs: readonly number[];
}

/** What is planned for. */
export interface Changes {
  readonly memory: readonly ChangedPage[];
  readonly disk: readonly ChangedPage[];
  /** Blocks of the disk in the order in which the server reads them first. */
  readonly touched: readonly number[];
  /** Where the base has what changed. */
  readonly base: ReadonlyMap<string, BasePlace>;
  /** Literal pages of a segment. */
  readonly segmentPages: number;
}

/**
 * Says of each changed page where it comes from, the cheapest first: zeros, the base, what came before in the overlay, its own bytes; and
 * divides them into segments in the order in which they are needed. Pure; the same changes give the same plan.
 */
export function planSegments({ memory, disk, touched, base, segmentPages }: Changes): PlannedSegment[] {
  const plan = new Plan(base, segmentPages);
  for (const page of memory) plan.add('memory', page);
  const changed = new Map(disk.map((each) => [each.page, each]));
  plan.cut();
  for (const block of touched) {
    const page = changed.get(block);
    if (page === undefined) continue;
    changed.delete(block);
    plan.add('disk', page);
  }
  // What is not read at first must not come with what is.
  plan.cut();
  for (const page of [...changed.values()].sort((a, b) => a.page - b.page)) plan.add('disk', page);
  plan.cut();
  return plan.segments;
}

/** Literal pages of each of the first segments, and how many those are: what is sent while it is still asked what is wanted goes by whole segments. */
const FIRST_PAGES = 64;
const FIRST_SEGMENTS = 8;

interface Seen {
  readonly source: 'memory' | 'disk';
  readonly page: number;
  readonly segment: number;
}

class Plan {
  readonly segments: PlannedSegment[] = [];
  readonly #base: ReadonlyMap<string, BasePlace>;
  readonly #segmentPages: number;
  readonly #seen = new Map<string, Seen>();
  #kind: 'memory' | 'disk' = 'memory';
  #runs: PageRun[] = [];
  #pages = 0;
  #literals = 0;
  #needs = new Set<number>();

  constructor(base: ReadonlyMap<string, BasePlace>, segmentPages: number) {
    this.#base = base;
    this.#segmentPages = segmentPages;
  }

  add(kind: 'memory' | 'disk', { page, hash }: ChangedPage): void {
    const isFirst = kind === 'memory' && this.segments.length < FIRST_SEGMENTS;
    const most = isFirst ? Math.min(FIRST_PAGES, this.#segmentPages) : this.#segmentPages;
    if (this.#literals >= most || this.#pages >= MAX_SEGMENT_PAGES) this.cut();
    this.#kind = kind;
    this.#pages += 1;
    this.#append(this.#runOf(kind, page, hash));
  }

  /** Ends the segment, if there is anything in it. */
  cut(): void {
    if (this.#pages === 0) return;
    const needs = [...this.#needs].sort((a, b) => a - b);
    this.segments.push({ kind: this.#kind, runs: this.#runs, pages: this.#pages, needs });
    this.#runs = [];
    [this.#pages, this.#literals] = [0, 0];
    this.#needs = new Set();
  }

  /** Where a page comes from; a literal is where later ones come from. */
  #runOf(kind: 'memory' | 'disk', page: number, hash: string | null): PageRun {
    if (hash === null) return { kind: 'zero', at: page, count: 1 };
    const found = this.#base.get(hash) ?? this.#seen.get(hash);
    if (found === undefined) {
      this.#seen.set(hash, { source: kind, page, segment: this.segments.length });
      this.#literals += 1;
      return { kind: 'literal', at: page, count: 1 };
    }
    if ('segment' in found && found.source === 'disk' && found.segment !== this.segments.length)
      this.#needs.add(found.segment);
    return { kind: 'copy', at: page, count: 1, source: found.source, from: found.page };
  }

  /** Adds a run of one page, to the last one where that goes on. */
  #append(run: PageRun): void {
    const last = this.#runs.at(-1);
    const next = (a: { at: number; count: number }) => a.at + a.count;
    const goesOn =
      last !== undefined &&
      last.kind === run.kind &&
      next(last) === run.at &&
      (last.kind !== 'copy' ||
        run.kind !== 'copy' ||
        (last.source === run.source && last.from + last.count === run.from));
    if (goesOn) this.#runs[this.#runs.length - 1] = { ...last, count: last.count + run.count };
    else this.#runs.push(run);
  }
}
