import { readSync } from 'node:fs';
import { blockDigest, DIGEST_BLOCK_BYTES } from '../../../machine/snapshot/sparse-digest.ts';

/** A block of a file by its number, and its digest; null for zeros. */
export type DigestedBlock = readonly [block: number, digest: Uint8Array | null];

/** Blocks in a row, the last of them not among them. */
type Row = readonly [from: number, to: number];

/** Digests of the blocks of a file that were written, found some at a time while there is nothing else to do. */
export class ChangedBlocks {
  readonly #file: number;
  readonly #blockBytes: number;
  readonly #buffer = Buffer.alloc(DIGEST_BLOCK_BYTES);
  readonly #due = new Set<number>();
  readonly #digests = new Map<number, Uint8Array | null>();
  /** The highest that was written last: memory comes in the order of its pages, and the next goes on there. */
  #last: number | null = null;

  /** Of a file that is open; a block has at most `DIGEST_BLOCK_BYTES`. */
  constructor(file: number, blockBytes: number) {
    this.#file = file;
    this.#blockBytes = blockBytes;
  }

  /** These were written, perhaps again. */
  changed(blocks: Iterable<number>): void {
    let last = -1;
    for (const block of blocks) {
      this.#due.add(block);
      last = Math.max(last, block);
    }
    if (last >= 0) this.#last = last;
  }

  /** Digests some that are due, what is read at once; false when there is none, but the one that was written last. */
  step(): boolean {
    for (const block of this.#due) {
      if (block === this.#last) continue;
      this.#digest(this.#rowFrom(block));
      return true;
    }
    return false;
  }

  /** Those of all that were written. */
  finish(): DigestedBlock[] {
    for (const block of this.#due) this.#digest(this.#rowFrom(block, true));
    return [...this.#digests];
  }

  /** Those due behind one of them, up to a gap. */
  #rowFrom(from: number, withLast = false): Row {
    const most = from + this.#buffer.length / this.#blockBytes;
    let to = from + 1;
    while (to < most && this.#due.has(to) && (withLast || to !== this.#last)) to += 1;
    return [from, to];
  }

  #digest([from, to]: Row): void {
    const bytes = this.#blockBytes;
    const length = readSync(this.#file, this.#buffer, 0, (to - from) * bytes, from * bytes);
    for (let block = from; block < to; block++) {
      const at = (block - from) * bytes;
      this.#digests.set(block, blockDigest(this.#buffer.subarray(at, Math.min(length, at + bytes))));
      this.#due.delete(block);
    }
  }
}
