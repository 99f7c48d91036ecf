import { readSync } from 'node:fs';
import { blockDigest, DIGEST_BLOCK_BYTES } from '../../../machine/snapshot/sparse-digest.ts';

/** A block of a file by its number, and its digest; null for zeros. */
export type DigestedBlock = readonly [block: number, digest: Uint8Array | null];

/** Digests of the blocks of a file that were written, found one by one while there is nothing else to do. */
export class ChangedBlocks {
  readonly #file: number;
  readonly #buffer = Buffer.alloc(DIGEST_BLOCK_BYTES);
  readonly #due = new Set<number>();
  readonly #digests = new Map<number, Uint8Array | null>();

  /** Of a file that is open. */
  constructor(file: number) {
    this.#file = file;
  }

  /** These were written, perhaps again. */
  changed(blocks: Iterable<number>): void {
    for (const block of blocks) this.#due.add(block);
  }

  /** Digests one that is due; false when there is none, but the last: memory comes in the order of its pages, and the next goes on there. */
  step(): boolean {
    if (this.#due.size <= 1) return false;
    const last = Math.max(...this.#due);
    const [first, second] = this.#due;
    this.#digest(first === last ? second! : first!);
    return true;
  }

  /** Those of all that were written. */
  finish(): DigestedBlock[] {
    for (const block of this.#due) this.#digest(block);
    return [...this.#digests];
  }

  #digest(block: number): void {
    const length = readSync(this.#file, this.#buffer, 0, DIGEST_BLOCK_BYTES, block * DIGEST_BLOCK_BYTES);
    this.#digests.set(block, blockDigest(this.#buffer.subarray(0, length)));
    this.#due.delete(block);
  }
}
