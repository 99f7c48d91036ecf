import type { PartSource } from '../../deployment/rung.ts';
import type { SegmentEntry } from '../overlay-manifest.ts';

/** How segments are asked for and used. */
export interface SegmentFeedOptions {
  readonly segments: readonly SegmentEntry[];
  readonly source: PartSource;
  /** Puts a segment where it belongs; what it copies from is there. */
  readonly apply: (index: number, bytes: Uint8Array) => Promise<void>;
  /** Told whenever a segment came: bytes of segments so far. */
  readonly onBytes?: (done: number, total: number) => void;
  /** When the blocks of the disk that nobody waits for may be applied; at once when it is left out. */
  readonly rest?: Promise<unknown>;
  readonly signal: AbortSignal;
}

/** Segments that are asked for ahead: so many are in memory at most, and those that reads wait for. */
const WINDOW = 6;

/** Bytes of the memory's segments that may be asked for beyond that, of a source that sends them anyway: no more than six segments may come to. */
const AHEAD_BYTES = 16 * 2 ** 20;

/**
 * Asks for the segments of an overlay in their order, and for those that somebody waits for before all others; applies each as soon as what it copies
 * from is there.
 */
export class SegmentFeed {
  readonly #options: SegmentFeedOptions;
  readonly #asked = new Set<number>();
  /** Bytes of those that were asked for and not applied. */
  #askedBytes = 0;
  /** Those that somebody waited for: they are moved to the front once. */
  readonly #wanted = new Set<number>();
  readonly #arrived = new Map<number, Uint8Array>();
  readonly #applied = new Set<number>();
  readonly #memory = Promise.withResolvers<void>();
  readonly #all = Promise.withResolvers<void>();
  readonly #total: number;
  /** Segments that must be there before the machine goes on: the state, the memory. */
  #memoryLeft: number;
  #bytes = 0;
  /** The first that was perhaps not asked for yet. */
  #next = 0;
  readonly #applying = new Set<number>();
  #failed = false;
  #mayRest: boolean;

  constructor(options: SegmentFeedOptions) {
    this.#options = options;
    this.#total = options.segments.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#memoryLeft = options.segments.filter(({ kind }) => kind !== 'disk').length;
    for (const { promise } of [this.#memory, this.#all]) promise.catch(() => undefined);
    this.#mayRest = options.rest === undefined;
    const rest = (): void => {
      this.#mayRest = true;
      this.#applyReady();
    };
    options.rest?.then(rest, rest);
  }

  /** Resolves when the state and the memory are complete; rejects with what failed. */
  get memory(): Promise<void> {
    return this.#memory.promise;
  }

  /** Resolves when everything was applied. */
  get all(): Promise<void> {
    return this.#all.promise;
  }

  /** Begins to ask. */
  start(): void {
    const { signal } = this.#options;
    signal.addEventListener('abort', () => this.#fail(signal.reason), { once: true });
    if (signal.aborted) this.#fail(signal.reason);
    else this.#ask();
  }

  /** Somebody waits for this segment: it comes next, and what it copies from before it. */
  want(index: number): void {
    const { segments } = this.#options;
    // Those that are asked for last come first.
    for (const queue = [index]; queue.length > 0 && !this.#failed; ) {
      const next = queue.pop()!;
      if (this.#wanted.has(next) || this.#applied.has(next)) continue;
      this.#wanted.add(next);
      this.#applyReady();
      if (!this.#arrived.has(next)) this.#get(next, true);
      const segment = segments[next]!;
      if (segment.kind === 'disk') queue.push(...segment.needs);
    }
  }

  #ask(): void {
    const { segments } = this.#options;
    for (; this.#next < segments.length; this.#next++) {
      if (this.#asked.size - this.#applied.size >= WINDOW && !this.#isComingAnyway(segments[this.#next]!)) return;
      if (!this.#asked.has(this.#next)) this.#get(this.#next, false);
    }
  }

  /** Whether it is of the memory and sent whether it is asked for or not: a device sends more than six, and what nobody asked for has to be read back from the disk. */
  #isComingAnyway({ kind, bytes }: SegmentEntry): boolean {
    const isSent = this.#options.source.sendsUnasked === true;
    return isSent && kind !== 'disk' && this.#askedBytes + bytes <= AHEAD_BYTES;
  }

  /** Asks for a segment, again when somebody waits for one that was asked for: that moves it to the front. */
  #get(index: number, urgent: boolean): void {
    const { source, segments, signal } = this.#options;
    if (!this.#asked.has(index)) this.#askedBytes += segments[index]!.bytes;
    this.#asked.add(index);
    source.get(segments[index]!.digest, signal, urgent).then(
      (bytes) => this.#arrive(index, bytes),
      (error: unknown) => this.#fail(error),
    );
  }

  #arrive(index: number, bytes: Uint8Array): void {
    if (this.#failed || this.#arrived.has(index) || this.#applied.has(index)) return;
    this.#arrived.set(index, bytes);
    this.#bytes += bytes.length;
    this.#options.onBytes?.(this.#bytes, this.#total);
    this.#applyReady();
  }

  #applyReady(): void {
    if (this.#failed) return;
    for (const [index, bytes] of this.#arrived) {
      if (this.#applying.has(index) || !this.#isReady(index)) continue;
      this.#applying.add(index);
      this.#options.apply(index, bytes).then(
        () => this.#done(index),
        (error: unknown) => this.#fail(error),
      );
    }
  }

  /** Whether what it copies from is there, or will be when its turn comes: memory is applied in its order, which begins behind the state; blocks may be copies of any of it. */
  #isReady(index: number): boolean {
    const segment = this.#options.segments[index]!;
    if (segment.kind === 'state') return true;
    if (segment.kind === 'memory') return index === 1 || this.#applied.has(index - 1) || this.#applying.has(index - 1);
    const isDue = this.#mayRest || this.#wanted.has(index);
    return isDue && this.#memoryLeft === 0 && segment.needs.every((need) => this.#applied.has(need));
  }

  #done(index: number): void {
    if (this.#failed) return;
    this.#arrived.delete(index);
    this.#applying.delete(index);
    this.#applied.add(index);
    this.#askedBytes -= this.#options.segments[index]!.bytes;
    if (this.#options.segments[index]!.kind !== 'disk') this.#memoryLeft -= 1;
    if (this.#memoryLeft === 0) this.#memory.resolve();
    if (this.#applied.size === this.#options.segments.length) this.#all.resolve();
    this.#applyReady();
    this.#ask();
  }

  #fail(error: unknown): void {
    this.#failed = true;
    this.#arrived.clear();
    this.#memory.reject(error);
    this.#all.reject(error);
  }
}
