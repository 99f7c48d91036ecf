import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { LayeredDisk } from '../../../vm/disk/layered-disk.ts';
import { LAYER_CLUSTER_BYTES, qcow2Pieces } from '../../../vm/disk/qcow2-layer.ts';
import type { DiskLayer } from '../../../vm/image/index.ts';
import { MEMORY_BLOCK_BYTES } from '../../../vm/image/memory-blocks.ts';
import { encodeBlockSet } from '../block-set.ts';
import type { SegmentEntry } from '../overlay-manifest.ts';
import { PAGE_BYTES, type PageRun, type PageSource } from '../page-run.ts';
import { decodeSegment, decodeState, type Segment } from '../segment.ts';
import { ChangedBlocks, type DigestedBlock } from './changed-blocks.ts';

/** Where an overlay goes: paths and numbers, so that it can be given to a thread. */
export interface ApplyJob {
  readonly segments: readonly SegmentEntry[];
  readonly base: { readonly memory: string; readonly disk: readonly DiskLayer[] };
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** A copy of the base's memory, which is changed. */
  readonly memory: string;
  /** Empty files: the state of the devices, and the layer that the disk gets. */
  readonly state: string;
  readonly layer: string;
}

/** A block of the disk and the cluster of the layer that has it, 0 for zeros; one pair after the other. */
export type BlockPlaces = Float64Array<ArrayBuffer>;

/** What became of a segment: of one of the disk where its blocks are. */
export interface AppliedSegment {
  readonly places: BlockPlaces;
}

const NOWHERE: BlockPlaces = new Float64Array(0);

/** Pages that are copied at once. */
const COPY_PAGES = 256;
const ZEROS = Buffer.alloc(COPY_PAGES * PAGE_BYTES);

/** The cluster of the layer with which each segment's blocks begin: a block has the same place whenever its segment comes. */
export function firstClusters(segments: readonly SegmentEntry[]): number[] {
  let next = 1;
  return segments.map((segment) => {
    const first = next;
    if (segment.kind === 'disk') next += segment.pages;
    return first;
  });
}

/**
 * The files that an overlay is applied to. It works while its caller waits: it is for a thread of its own. Whoever opens it closes it. Errors are
 * clauses: what is wrong with a segment.
 */
export class OverlayTarget {
  readonly #job: ApplyJob;
  readonly #firsts: readonly number[];
  readonly #files: Readonly<Record<'memory' | 'layer' | 'base-memory', number>>;
  readonly #baseDisk: LayeredDisk;
  /** Cluster of the layer by block of the disk. */
  readonly #places = new Map<number, number>();
  readonly #buffer = Buffer.alloc(COPY_PAGES * PAGE_BYTES);
  readonly #changed: ChangedBlocks;
  #memoryLeft: number;

  private constructor(job: ApplyJob, baseDisk: LayeredDisk) {
    this.#job = job;
    this.#firsts = firstClusters(job.segments);
    this.#memoryLeft = job.segments.filter(({ kind }) => kind === 'memory').length;
    this.#baseDisk = baseDisk;
    this.#files = {
      memory: openSync(job.memory, 'r+'),
      layer: openSync(job.layer, 'r+'),
      'base-memory': openSync(job.base.memory, 'r'),
    };
    this.#changed = new ChangedBlocks(this.#files.memory, MEMORY_BLOCK_BYTES);
  }

  static async open(job: ApplyJob): Promise<OverlayTarget> {
    return new OverlayTarget(job, await LayeredDisk.open(job.base.disk, job.diskBytes));
  }

  /**
   * Puts a segment where it belongs, after comparing it with its digest; gives what is in place then. What it copies from must be there
   * already.
   */
  apply(index: number, bytes: Uint8Array): AppliedSegment {
    const entry = this.#job.segments[index]!;
    if (bytes.length !== entry.bytes) throw new Error(`expected ${entry.bytes} bytes, got ${bytes.length}`);
    const digest = createHash('sha256').update(bytes).digest('hex');
    if (entry.digest !== `sha256:${digest}`)
      throw new Error(`expected bytes with digest ${entry.digest}, got sha256:${digest}`);
    if (entry.kind === 'state') {
      const file = openSync(this.#job.state, 'r+');
      try {
        writeAll(file, decodeState(bytes, entry.expandedBytes), 0);
      } finally {
        closeSync(file);
      }
      return { places: NOWHERE };
    }
    const segment = decodeSegment(bytes, entry, (run, into) => this.#read(run.source, run.from, into));
    if (entry.kind === 'memory') {
      const limit = this.#job.memoryBytes / PAGE_BYTES;
      const beyond = segment.runs.find(({ at, count }) => at + count > limit);
      if (beyond !== undefined) throw new Error(`it fills page ${beyond.at + beyond.count - 1} of ${limit}`);
      this.#place(segment, (at) => at, this.#files.memory);
      this.#changed.changed(digestBlocksOf(segment));
      this.#memoryLeft -= 1;
      return { places: NOWHERE };
    }
    return { places: this.#applyDisk(entry.blocks, segment, this.#firsts[index]!) };
  }

  /** Digests some blocks of the memory that segments changed; false when there is nothing to do. */
  digestSome(): boolean {
    return this.#changed.step();
  }

  /** Whether all segments of the memory were applied. */
  get isMemoryComplete(): boolean {
    return this.#memoryLeft === 0;
  }

  /** The digests of the blocks of the memory that changed, when it is complete. */
  changedMemory(): DigestedBlock[] {
    return this.#changed.finish();
  }

  /** Writes the layer's tables when every segment was applied. */
  finish(): void {
    const dataClusters = this.#job.segments.reduce((sum, each) => sum + (each.kind === 'disk' ? each.pages : 0), 0);
    const content = { diskBytes: this.#job.diskBytes, dataClusters, places: this.#places };
    for (const { at, bytes } of qcow2Pieces(content)) writeAll(this.#files.layer, bytes, at);
  }

  async close(): Promise<void> {
    for (const file of Object.values(this.#files)) closeSync(file);
    await this.#baseDisk.close();
  }

  #applyDisk(declared: string, segment: Segment, first: number): BlockPlaces {
    const blocks = segment.runs.flatMap(({ at, count }) => Array.from({ length: count }, (_, index) => at + index));
    // A block that it was not said to hold could have been given to the guest from the base meanwhile.
    if (encodeBlockSet(blocks) !== declared) throw new Error('it does not hold the blocks that its manifest says');
    const clusters = new Map<number, number>();
    let next = first;
    for (const { kind, at, count } of segment.runs)
      for (let index = 0; index < count; index++) clusters.set(at + index, kind === 'zero' ? 0 : next++);
    // Before the copies: some are of blocks of this segment.
    for (const [block, cluster] of clusters) this.#places.set(block, cluster);
    const stored = segment.runs.filter(({ kind }) => kind !== 'zero');
    this.#place({ ...segment, runs: stored }, (at) => clusters.get(at)!, this.#files.layer);
    const places = new Float64Array(clusters.size * 2);
    let at = 0;
    for (const pair of clusters) for (const number of pair) places[at++] = number;
    return places;
  }

  /** Writes what becomes of pages to the places that they have in a file. */
  #place(
    { runs, literals }: Pick<Segment, 'runs' | 'literals'>,
    placeOf: (page: number) => number,
    file: number,
  ): void {
    let literal = 0;
    for (const run of runs) {
      const at = placeOf(run.at) * PAGE_BYTES;
      if (run.kind !== 'literal') {
        this.#fill(run, file, at);
        continue;
      }
      writeAll(file, literals.subarray(literal, literal + run.count * PAGE_BYTES), at);
      literal += run.count * PAGE_BYTES;
    }
  }

  #fill(run: PageRun, file: number, at: number): void {
    for (let done = 0; done < run.count; done += COPY_PAGES) {
      const length = Math.min(COPY_PAGES, run.count - done) * PAGE_BYTES;
      const piece = run.kind === 'copy' ? this.#buffer.subarray(0, length) : ZEROS.subarray(0, length);
      if (run.kind === 'copy') this.#read(run.source, run.from + done, piece);
      writeAll(file, piece, at + done * PAGE_BYTES);
    }
  }

  #read(source: PageSource, from: number, into: Uint8Array): void {
    const { memoryBytes, diskBytes } = this.#job;
    const limit = (source === 'base-disk' || source === 'disk' ? diskBytes : memoryBytes) / PAGE_BYTES;
    if (from + into.length / PAGE_BYTES > limit) throw new Error(`it copies from page ${from} of ${limit}`);
    if (source === 'base-disk') this.#baseDisk.readSync(from * PAGE_BYTES, into);
    else if (source === 'disk') this.#readLayer(from, into);
    else into.fill(0, readSync(this.#files[source], into, 0, into.length, from * PAGE_BYTES));
  }

  /** Blocks that were put into the layer, each where it is. */
  #readLayer(from: number, into: Uint8Array): void {
    for (let page = 0; page * PAGE_BYTES < into.length; page++) {
      const cluster = this.#places.get(from + page);
      if (cluster === undefined)
        throw new Error(`it copies from block ${from + page}, which is in no segment before it`);
      const part = into.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
      part.fill(0, cluster === 0 ? 0 : readSync(this.#files.layer, part, 0, PAGE_BYTES, cluster * LAYER_CLUSTER_BYTES));
    }
  }
}

/** Numbers of the blocks of a file's digest that a segment's pages are in. */
function digestBlocksOf({ runs }: Pick<Segment, 'runs'>): number[] {
  const found = new Set<number>();
  const pages = MEMORY_BLOCK_BYTES / PAGE_BYTES;
  for (const { at, count } of runs)
    for (let block = Math.floor(at / pages); block * pages < at + count; block++) found.add(block);
  return [...found];
}

function writeAll(file: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, at + done);
}
