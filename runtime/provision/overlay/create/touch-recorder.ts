import type { BlockSource } from '../../../vm/disk/block-source.ts';
import { PAGE_BYTES } from '../page-run.ts';

/** A disk that remembers in which order its blocks were read first. */
export class TouchRecorder implements BlockSource {
  readonly bytes: number;
  readonly #source: BlockSource;
  /** Sets keep the order in which they were filled. */
  readonly #touched = new Set<number>();

  constructor(source: BlockSource) {
    this.bytes = source.bytes;
    this.#source = source;
  }

  read(offset: number, into: Uint8Array, signal?: AbortSignal): Promise<void> {
    const end = Math.ceil((offset + into.length) / PAGE_BYTES);
    for (let block = Math.floor(offset / PAGE_BYTES); block < end; block++) this.#touched.add(block);
    return this.#source.read(offset, into, signal);
  }

  /** Blocks in the order in which they were read first. */
  get touched(): number[] {
    return [...this.#touched];
  }
}
