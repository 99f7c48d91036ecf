import { hash } from 'node:crypto';
import type { BlockRun } from '../block-set.ts';
import { PAGE_BYTES, type PageSource } from '../page-run.ts';

/** Reads pages that follow each other. */
export type ReadPages = (source: PageSource, from: number, into: Uint8Array) => void;

/** A page that is not what it was in the base. */
export interface ChangedPage {
  readonly page: number;
  /** Digest of its bytes, to find it elsewhere; null when it is zeros. */
  readonly hash: string | null;
}

/** Where a page of the base is. */
export interface BasePlace {
  readonly source: 'base-memory' | 'base-disk';
  readonly page: number;
}

/** Pages that are read at once. */
const READ_PAGES = 256;
const ZEROS = Buffer.alloc(READ_PAGES * PAGE_BYTES);

/** The pages of these runs in which `now` differs from `before`, in their order. */
export function changedPages(
  read: ReadPages,
  [before, now]: readonly [PageSource, PageSource],
  runs: Iterable<BlockRun>,
): ChangedPage[] {
  const changed: ChangedPage[] = [];
  const [was, is] = [Buffer.alloc(READ_PAGES * PAGE_BYTES), Buffer.alloc(READ_PAGES * PAGE_BYTES)];
  for (const { at, count } of pieces(runs)) {
    const length = count * PAGE_BYTES;
    const [old, fresh] = [was.subarray(0, length), is.subarray(0, length)];
    read(before, at, old);
    read(now, at, fresh);
    if (old.equals(fresh)) continue;
    for (let index = 0; index < count; index++) {
      const page = fresh.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES);
      if (page.equals(old.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES))) continue;
      changed.push({ page: at + index, hash: hashOf(page) });
    }
  }
  return changed;
}

/** Where the base has pages with these digests: in its memory rather than on its disk, and there in the lowest place. */
export function findInBase(
  read: ReadPages,
  wanted: ReadonlySet<string>,
  pages: Readonly<Record<'base-memory' | 'base-disk', number>>,
): Map<string, BasePlace> {
  const found = new Map<string, BasePlace>();
  const bytes = Buffer.alloc(READ_PAGES * PAGE_BYTES);
  for (const source of ['base-memory', 'base-disk'] as const) {
    for (const { at, count } of pieces([{ at: 0, count: pages[source] }])) {
      const piece = bytes.subarray(0, count * PAGE_BYTES);
      read(source, at, piece);
      // Mostly holes.
      if (piece.equals(ZEROS.subarray(0, piece.length))) continue;
      for (let index = 0; index < count; index++) {
        const digest = hashOf(piece.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES));
        if (digest !== null && wanted.has(digest) && !found.has(digest))
          found.set(digest, { source, page: at + index });
      }
    }
  }
  return found;
}

function hashOf(page: Uint8Array): string | null {
  return ZEROS.subarray(0, PAGE_BYTES).equals(page) ? null : hash('sha256', page, 'base64');
}

function* pieces(runs: Iterable<BlockRun>): Generator<BlockRun> {
  for (const { at, count } of runs)
    for (let done = 0; done < count; done += READ_PAGES)
      yield { at: at + done, count: Math.min(READ_PAGES, count - done) };
}
