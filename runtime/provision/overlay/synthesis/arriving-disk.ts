import type { FileHandle } from 'node:fs/promises';
import { unlessAborted } from '../../../machine/index.ts';
import type { BlockSource } from '../../../vm/disk/block-source.ts';
import type { LayeredDisk } from '../../../vm/disk/layered-disk.ts';
import { LAYER_CLUSTER_BYTES } from '../../../vm/disk/qcow2-layer.ts';
import type { BlockPlaces } from '../apply/overlay-target.ts';
import type { BlockRun } from '../block-set.ts';
import { PAGE_BYTES } from '../page-run.ts';

/** Where the blocks of the overlay's disk come from. */
export interface ArrivingDiskOptions {
  readonly base: LayeredDisk;
  /** The layer that blocks are put into when their segment comes. */
  readonly layer: FileHandle;
  /** The blocks of each segment; no block is in two. */
  readonly blocks: ReadonlyMap<number, readonly BlockRun[]>;
  /** Told that a read waits for a segment: it should come next. */
  readonly want: (segment: number) => void;
}

interface PlacedRun extends BlockRun {
  readonly segment: number;
}

/** Blocks in a row that are in one place. */
interface Piece {
  readonly from: 'base' | 'layer' | 'zeros';
  /** Bytes into it. */
  readonly at: number;
  readonly length: number;
}

/**
 * A disk of which a part is still on its way: a base's, changed by the blocks of an overlay. A read of a block that has not come waits, and asks for
 * it; it is never answered by what the base has there.
 */
export class ArrivingDisk implements BlockSource {
  readonly bytes: number;
  readonly #options: ArrivingDiskOptions;
  /** Ascending. */
  readonly #runs: readonly PlacedRun[];
  readonly #arrivals: ReadonlyMap<number, PromiseWithResolvers<void>>;
  readonly #arrived = new Set<number>();
  readonly #clusters = new Map<number, number>();

  constructor(options: ArrivingDiskOptions) {
    this.bytes = options.base.bytes;
    this.#options = options;
    this.#runs = [...options.blocks]
      .flatMap(([segment, runs]) => runs.map((run) => ({ ...run, segment })))
      .sort((a, b) => a.at - b.at);
    this.#arrivals = new Map([...options.blocks.keys()].map((segment) => [segment, Promise.withResolvers<void>()]));
    // Nobody may wait for one that will not come.
    for (const { promise } of this.#arrivals.values()) promise.catch(() => undefined);
  }

  /** A segment's blocks are in their places. */
  arrive(segment: number, places: BlockPlaces): void {
    for (let at = 0; at < places.length; at += 2) this.#clusters.set(places[at]!, places[at + 1]!);
    this.#arrived.add(segment);
    this.#arrivals.get(segment)?.resolve();
  }

  /** What has not come will not come: reads that wait for it fail. */
  fail(error: unknown): void {
    for (const { reject } of this.#arrivals.values()) reject(error);
  }

  async read(offset: number, into: Uint8Array, signal?: AbortSignal): Promise<void> {
    const missing = this.#missing(offset, into.length);
    for (const segment of missing) this.#options.want(segment);
    for (const segment of missing) await unlessAborted(this.#arrivals.get(segment)!.promise, signal);
    let done = 0;
    for (const { from, at, length } of this.#pieces(offset, into.length)) {
      const part = into.subarray(done, done + length);
      if (from === 'base') await this.#options.base.read(at, part, signal);
      else part.fill(0, from === 'zeros' ? 0 : (await this.#options.layer.read(part, 0, length, at)).bytesRead);
      done += length;
    }
  }

  /** Segments that a part of the disk waits for. */
  #missing(offset: number, length: number): Set<number> {
    const missing = new Set<number>();
    const end = Math.ceil((offset + length) / PAGE_BYTES);
    for (let index = this.#firstRun(Math.floor(offset / PAGE_BYTES)); index < this.#runs.length; index++) {
      const { at, segment } = this.#runs[index]!;
      if (at >= end) break;
      if (!this.#arrived.has(segment)) missing.add(segment);
    }
    return missing;
  }

  /** The first run that ends behind a block, by halving. */
  #firstRun(block: number): number {
    let [low, high] = [0, this.#runs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const { at, count } = this.#runs[middle]!;
      if (at + count <= block) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #pieces(offset: number, length: number): Piece[] {
    const pieces: Piece[] = [];
    for (let at = offset, end = offset + length; at < end; ) {
      const within = at % PAGE_BYTES;
      const part = Math.min(PAGE_BYTES - within, end - at);
      const cluster = this.#clusters.get(Math.floor(at / PAGE_BYTES));
      const from = cluster === undefined ? 'base' : cluster === 0 ? 'zeros' : 'layer';
      const place = from === 'layer' ? cluster! * LAYER_CLUSTER_BYTES + within : at;
      const last = pieces.at(-1);
      if (last !== undefined && last.from === from && last.at + last.length === place)
        pieces[pieces.length - 1] = { ...last, length: last.length + part };
      else pieces.push({ from, at: place, length: part });
      at += part;
    }
    return pieces;
  }
}
