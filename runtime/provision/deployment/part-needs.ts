import { CloudletError, type Digest, type WantedParts } from '../../../guest-sdk/protocol/index.ts';
import type { Clock } from '../../sandbox/index.ts';
import { abortError } from '../../store/index.ts';
import type { ChunkIndex } from './chunk-index.ts';
import type { PartStore } from './part-store.ts';
import { MAX_PART_BYTES, type Offer, type Part, type PartSource } from './rung.ts';

/** How many parts a device is told at once: more than it sends at once. */
const TOLD = 64;
/** How long a device may leave one waiting for a part, milliseconds. */
const PATIENCE_MS = 300_000;

/** What an act still needs of its device, and in which order. */
export class PartNeeds implements PartSource {
  readonly sendsUnasked = true;
  readonly #store: PartStore;
  readonly #chunks: ChunkIndex;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #giveUp: (error: CloudletError) => void;
  readonly #bytes = new Map<Digest, number>();
  /** Missing, in the order of the offer. */
  readonly #missing = new Set<Digest>();
  /** Missing, and somebody waits for it. */
  #front = new Map<Digest, number>();
  readonly #used = new Set<Digest>();
  readonly #releases: (() => void)[] = [];
  #arrivedBytes = 0;
  #totalBytes = 0;
  #cancelPatience: (() => void) | null = null;

  /** `giveUp` ends the act when its device has been silent for too long. */
  constructor(
    { store, chunks, clock }: { readonly store: PartStore; readonly chunks: ChunkIndex; readonly clock: Clock },
    signal: AbortSignal,
    giveUp: (error: CloudletError) => void,
  ) {
    this.#store = store;
    this.#chunks = chunks;
    this.#clock = clock;
    this.#signal = signal;
    this.#giveUp = giveUp;
    signal.addEventListener('abort', () => this.#cancelPatience?.(), { once: true });
  }

  /**
   * What the way that is taken now needs; parts that are here count as sent, and stay, as do the blobs that it reads chunks from. False, and nothing is
   * changed, when one of those is gone: the way is to be looked for anew.
   */
  replace({ missing: parts, reads = [], blobs = [] }: Pick<Offer, 'missing' | 'reads' | 'blobs'>): boolean {
    const release = this.#chunks.hold(blobs);
    if (release === null) return false;
    this.#releases.push(release);
    this.#missing.clear();
    this.#totalBytes = 0;
    for (const { digest } of reads) if (this.#store.has(digest)) this.#used.add(digest);
    for (const { digest, bytes } of parts) {
      if (this.#missing.has(digest)) continue;
      this.#bytes.set(digest, bytes);
      this.#used.add(digest);
      if (this.#store.has(digest)) continue;
      this.#missing.add(digest);
      this.#totalBytes += bytes;
    }
    this.#arrivedBytes = 0;
    return true;
  }

  /** Nothing is read any more. */
  release(): void {
    for (const release of this.#releases.splice(0)) release();
  }

  /** Bytes that came, of those that were missing when the way was taken. */
  get progress(): { readonly bytesDone: number; readonly bytesTotal: number } {
    return { bytesDone: this.#arrivedBytes, bytesTotal: this.#totalBytes };
  }

  /** What is missing, in the order in which it shall come. */
  missing(): Part[] {
    return [...this.#front.keys(), ...[...this.#missing].filter((digest) => !this.#front.has(digest))].map(
      (digest) => ({
        digest,
        bytes: this.#bytes.get(digest) ?? MAX_PART_BYTES,
      }),
    );
  }

  /** What to send next, at most `most` of it. */
  wanted(most: number = TOLD): WantedParts {
    const all = this.missing();
    return { wanted: all.slice(0, most).map(({ digest }) => digest), missing: all.length };
  }

  /** How long the part of a digest is, when it may be sent; null when that is not known here, undefined when it is no part of this. */
  bytesOf(digest: Digest): number | null | undefined {
    return this.#bytes.get(digest) ?? (this.#used.has(digest) ? null : undefined);
  }

  /** Whether it will read a part that is here. */
  isUsing(digest: Digest): boolean {
    return this.#used.has(digest);
  }

  /** Parts that it was given, to be removed when something was made of them. */
  used(): Iterable<Digest> {
    return this.#used;
  }

  /** A part came; says whether it was missing here. */
  arrived(digest: Digest): boolean {
    const wasMissing = this.#missing.delete(digest);
    if (wasMissing) this.#arrivedBytes += this.#bytes.get(digest) ?? 0;
    // The same part sent again and again is no progress.
    if (this.#cancelPatience !== null && (wasMissing || this.#front.has(digest))) this.#wait();
    return wasMissing;
  }

  /** The bytes of a part: from the store, from a chunk of something that is here, or from the device. */
  async get(digest: Digest, signal?: AbortSignal, urgent = false): Promise<Uint8Array> {
    const both = signal === undefined ? this.#signal : AbortSignal.any([signal, this.#signal]);
    for (;;) {
      if (both.aborted) throw abortError(both);
      // Also one that was sent before this began: when something was made of it, it goes.
      if (this.#store.has(digest)) this.#used.add(digest);
      const bytes = (await this.#store.read(digest)) ?? (await this.#chunks.read(digest));
      if (bytes !== undefined) return bytes;
      const sent = await this.#fromDevice(digest, both, urgent);
      if (sent !== undefined) return sent;
    }
  }

  async #fromDevice(digest: Digest, signal: AbortSignal, urgent: boolean): Promise<Uint8Array | undefined> {
    const waiting = (this.#front.get(digest) ?? 0) + 1;
    if (urgent) this.#front = new Map([[digest, waiting], ...[...this.#front].filter(([each]) => each !== digest)]);
    else this.#front.set(digest, waiting);
    this.#used.add(digest);
    this.#wait();
    try {
      return await this.#store.arrived(digest, signal);
    } finally {
      const left = this.#front.get(digest)! - 1;
      if (left === 0) this.#front.delete(digest);
      else this.#front.set(digest, left);
      if (this.#front.size === 0) this.#rest();
    }
  }

  #wait(): void {
    this.#rest();
    this.#cancelPatience = this.#clock.after(PATIENCE_MS, () =>
      this.#giveUp(
        new CloudletError(
          'request-timeout',
          `expected a part that is missing within ${PATIENCE_MS / 1000} s, got none; ask again, what was sent is kept for a day`,
        ),
      ),
    );
  }

  #rest(): void {
    this.#cancelPatience?.();
    this.#cancelPatience = null;
  }
}
