import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Digest } from '../../../../guest-sdk/protocol/index.ts';
import { type BlockDigests, blockDigests, freeBytes } from '../../../machine/index.ts';
import { type Clock, systemClock } from '../../../sandbox/clock.ts';
import { MEMORY_BLOCK_BYTES, type VmImage, type VmImageStore } from '../../../vm/image/index.ts';
import { type BlankShape, BlankVm, type BlankWorld } from './blank-vm.ts';

/** What a blank that waits is made with. */
export interface BlankVmsOptions extends Omit<BlankWorld, 'accelerator' | 'images'> {
  readonly images: Pick<VmImageStore, 'draft' | 'directory'>;
  readonly accelerator: () => Promise<BlankWorld['accelerator']>;
  /** What overlays ask for that say nothing of it. */
  readonly limits: Pick<BlankShape, 'growthBytes' | 'cpus'>;
  readonly clock?: Clock;
  /** The base that is to be waited on when one was removed; null, or left out: none. */
  readonly other?: () => Promise<VmImage | null>;
}

/** How often it is looked whether the base of the one that waits is still there, milliseconds: whoever removes it, in whatever program, frees its disk by that. */
const LOOK_MS = 10_000;

/** Free room on the disk without which none is made ahead, for each byte of its memory: it must not take what others need. */
const ROOM_FACTOR = 4;

/** As images are digested that are made of it. */
const MEMORY_DIGEST = { blockBytes: MEMORY_BLOCK_BYTES };

/** How long after a synthesis the next blank is made, milliseconds. */
const AFTER_MS = 5000;

/** Keeps one blank waiting, on the base that was used last, so that an overlay that is at hand has neither a copy nor a start of QEMU before it. */
export class BlankVms {
  readonly #options: BlankVmsOptions;
  /** What bases hold in their memory: their images never change. */
  readonly #digests = new Map<Digest, Promise<BlockDigests>>();
  #waiting: { readonly shape: BlankShape; readonly blank: Promise<BlankVm | null> } | null = null;
  readonly #stop = new AbortController();
  readonly #clock: Clock;
  /** Those that are being ended because they serve for nothing any more. */
  readonly #ending = new Set<Promise<void>>();
  #cancelSoon = (): void => {};
  #cancelLook = () => {};

  constructor(options: BlankVmsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Aborts when it is closed. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** The blank that waits, when it has this shape and the disk has this room; else what `fresh` gives. Whoever gets it closes it. */
  async take(shape: BlankShape, roomBytes: number, fresh: () => Promise<BlankVm>): Promise<BlankVm> {
    const waiting = this.#waiting;
    if (waiting === null || !isSame(waiting.shape, shape)) return fresh();
    this.#waiting = null;
    const blank = await waiting.blank;
    if (blank?.isUsable === true && (await freeBytes(this.#options.images.directory)) >= roomBytes) return blank;
    await this.#end(waiting.blank);
    return fresh();
  }

  /** Has one wait on this base from now on, in place of one on another. Resolves when it does, or cannot; never rejects. */
  async prepare(base: VmImage): Promise<void> {
    const { limits } = this.#options;
    const shape = { base, ...limits };
    const before = this.#waiting;
    if (this.#stop.signal.aborted || (before !== null && isSame(before.shape, shape))) return;
    const blank = this.#make(shape).catch(() => null); // Whoever wants one is told why there is none.
    this.#waiting = { shape, blank };
    this.#lookLater();
    await this.#end(before?.blank);
    await blank;
  }

  /** The same after a while: what was just made has the processors for its first answers. */
  prepareSoon(base: VmImage): void {
    if (this.#stop.signal.aborted) return;
    this.#cancelSoon();
    this.#cancelSoon = this.#clock.after(AFTER_MS, () => void this.prepare(base));
  }

  /** Ends the one that waits, and makes no more; resolves when none is being ended either. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#cancelSoon();
    this.#cancelLook();
    const waiting = this.#waiting;
    this.#waiting = null;
    await this.#end(waiting?.blank);
    await Promise.allSettled(this.#ending); // Whoever ends one is told.
  }

  async #end(blank: Promise<BlankVm | null> | undefined): Promise<void> {
    const ended = Promise.resolve(blank).then((each) => each?.close());
    this.#ending.add(ended);
    await ended.finally(() => this.#ending.delete(ended));
  }

  #lookLater(): void {
    this.#cancelLook();
    this.#cancelLook = this.#clock.after(LOOK_MS, () => void this.#look());
  }

  /** Ends the one that waits when its base was removed: no overlay can be for it any more. */
  async #look(): Promise<void> {
    const waiting = this.#waiting;
    if (waiting === null) return;
    if (existsSync(waiting.shape.base.memory)) return this.#lookLater();
    this.#waiting = null;
    await this.#end(waiting.blank);
    const next = await this.#options.other?.().catch(() => null); // Then an overlay begins its own, and says what is wrong.
    if (next) await this.prepare(next);
  }

  async #make(shape: BlankShape): Promise<BlankVm | null> {
    const { images, accelerator, restore } = this.#options;
    const { memory, conditions, digest } = shape.base;
    if ((await freeBytes(images.directory)) < ROOM_FACTOR * conditions.memoryMib * 2 ** 20) return null;
    const world = { images, restore, accelerator: await accelerator() };
    const digests = this.#digests.get(digest) ?? blockDigests(memory, this.#stop.signal, MEMORY_DIGEST);
    this.#digests.clear();
    this.#digests.set(digest, digests);
    digests.catch(() => this.#digests.delete(digest));
    const blank = await BlankVm.begin(shape, world, { id: `blank-${randomUUID()}`, layerBytes: 0, digests });
    await blank.copied.catch(async (error: unknown) => {
      await blank.close(error);
      throw error;
    });
    return blank;
  }
}

function isSame(one: BlankShape, other: BlankShape): boolean {
  return one.base.digest === other.base.digest && one.growthBytes === other.growthBytes && one.cpus === other.cpus;
}
