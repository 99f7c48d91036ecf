import { VarintReader, VarintWriter } from './varint.ts';

/** Bytes of a page of memory and of a block of a disk: what an overlay is made of. */
export const PAGE_BYTES = 4096;

/** What pages can be copied from: the base's memory and disk, and what the overlay has put into memory and onto the disk so far. */
export const SOURCES = ['base-memory', 'base-disk', 'memory', 'disk'] as const;
export type PageSource = (typeof SOURCES)[number];

/** Where pages are that are to be copied. */
export interface SourceRun {
  readonly source: PageSource;
  readonly from: number;
  readonly count: number;
}

/**
 * Pages that follow each other and what they become: zeros, the next of the segment's literals, or a copy. A page that is copied from the overlay is
 * one that was a literal.
 */
export type PageRun =
  | { readonly kind: 'zero' | 'literal'; readonly at: number; readonly count: number }
  | ({ readonly kind: 'copy'; readonly at: number } & SourceRun);

/** What a segment says beside its literals. */
export interface SegmentTable {
  /** Pages of the base that the literals resemble: they are compressed against them. */
  readonly dictionary: readonly SourceRun[];
  readonly runs: readonly PageRun[];
}

/** Longest dictionary, pages: it is held in memory beside the segment. */
export const MAX_DICTIONARY_PAGES = 1024;
/** Numbers of a page: 2^40 of them are 4 PiB. */
const MAX_PAGE = 2 ** 40;

const [ZERO, LITERAL, COPY] = [0, 1, 2];

/** The table as bytes. */
export function encodeTable({ dictionary, runs }: SegmentTable): Uint8Array {
  const writer = new VarintWriter();
  const places = new Places();
  writer.unsigned(dictionary.length);
  for (const run of dictionary) {
    writer.unsigned(SOURCES.indexOf(run.source));
    writer.signed(places.away(run.source, run.from, run.count));
    writer.unsigned(run.count);
  }
  for (const run of runs) {
    const code = run.kind === 'copy' ? COPY + SOURCES.indexOf(run.source) : run.kind === 'zero' ? ZERO : LITERAL;
    writer.unsigned(run.count * 8 + code);
    writer.signed(places.away('target', run.at, run.count));
    if (run.kind === 'copy') writer.signed(places.away(run.source, run.from, run.count));
  }
  return writer.bytes();
}

/**
 * The table from bytes that anybody made. Throws an error with a clause unless its runs fill exactly `pages` pages; whether those pages and sources
 * exist is for whoever has them to see.
 */
export function decodeTable(bytes: Uint8Array, pages: number): SegmentTable {
  const reader = new VarintReader(bytes);
  const places = new Places();
  const dictionary: SourceRun[] = [];
  let left = MAX_DICTIONARY_PAGES;
  for (let entries = reader.unsigned(); entries > 0; entries--) {
    const source = SOURCES[reader.unsigned()];
    if (source !== 'base-memory' && source !== 'base-disk') throw new Error('its dictionary is not of the base');
    const away = reader.signed();
    const count = checkedCount(reader.unsigned(), left, 'its dictionary');
    left -= count;
    dictionary.push({ source, from: places.read(source, away, count), count });
  }
  const runs: PageRun[] = [];
  let unfilled = pages;
  while (!reader.atEnd) {
    const word = reader.unsigned();
    const code = word % 8;
    const count = checkedCount(Math.floor(word / 8), unfilled, 'what it fills');
    unfilled -= count;
    const at = places.read('target', reader.signed(), count);
    if (code === ZERO || code === LITERAL) runs.push({ kind: code === ZERO ? 'zero' : 'literal', at, count });
    else {
      const source = SOURCES[code - COPY];
      if (source === undefined) throw new Error('it has a run of an unknown kind');
      runs.push({ kind: 'copy', at, count, source, from: places.read(source, reader.signed(), count) });
    }
  }
  if (unfilled !== 0) throw new Error(`expected it to fill ${pages} pages, it fills ${pages - unfilled}`);
  return { dictionary, runs };
}

function checkedCount(count: number, most: number, what: string): number {
  if (count === 0) throw new Error(`${what} has an empty run`);
  if (count > most) throw new Error(`${what} has more pages than it may`);
  return count;
}

/** Where the last run of each kind ended: the next is mostly near. */
class Places {
  readonly #ends = new Map<string, number>();

  /** How far a run is from the end of the last one. */
  away(kind: string, at: number, count: number): number {
    const away = at - (this.#ends.get(kind) ?? 0);
    this.#ends.set(kind, at + count);
    return away;
  }

  read(kind: string, away: number, count: number): number {
    const at = (this.#ends.get(kind) ?? 0) + away;
    if (at < 0 || at + count > MAX_PAGE) throw new Error('a run is at no place');
    this.#ends.set(kind, at + count);
    return at;
  }
}
