import type { Clock } from '../clock.ts';
import { Crowding, isCrowded } from './crowding.ts';
import type { LaneSandbox } from './lane-sandbox.ts';
import { fairWidth, isComputerFull, nextWidth, type WidthSample } from './lane-width.ts';

/** Whom a watch asks and tells. */
export interface WidthWatchOptions {
  readonly clock: Clock;
  readonly sandboxes: () => readonly LaneSandbox[];
  /** Whether somebody waits for a place. */
  readonly isShort: () => boolean;
  /** More places may be open than before. */
  readonly changed: () => void;
  readonly idleProcessorNs: () => number;
}

/** Over how long use of processors is measured while somebody waits, milliseconds: some times the step that kernels count in. */
const WINDOW_MS = 100;

/** What was counted when a window began. */
interface Window {
  readonly at: number;
  readonly idleNs: number;
  readonly used: ReadonlyMap<LaneSandbox, Use>;
}

/** What a sandbox had used, done and run so far. */
interface Use {
  readonly needNs: number;
  readonly left: number;
  readonly ranMs: number;
}

/** Finds, while invocations wait, how many of them a sandbox of their version is worth being given at once. What it found stays. */
export class WidthWatch {
  readonly #options: WidthWatchOptions;
  /** What was found; a sandbox has at least as many places open as it has processors. */
  #width = 1;
  /** As long as nothing was measured, the sandboxes there are enough. */
  #full = true;
  #window: Window | null = null;
  /** What was needed in the window before. A thread that waits for a processor counts only once it gets one: one window alone may miss it. */
  #lastNeed = Number.POSITIVE_INFINITY;
  #isTicking = false;
  readonly #crowding: Crowding;

  constructor(options: WidthWatchOptions) {
    this.#options = options;
    this.#crowding = new Crowding(options.sandboxes);
  }

  /** Invocations at once in one sandbox that this one counts for: all of its places, when its use of processors is not known. */
  widthOf(one: LaneSandbox): number {
    const { processors, placesAhead } = one.sandbox;
    if (!one.isMeasured) return one.most;
    const ahead = this.#crowding.isShared ? Math.min(placesAhead, fairWidth(processors)) : placesAhead;
    return Math.min(Math.max(this.#width, processors, ahead), one.most);
  }

  /** Whether a sandbox can take an invocation now. */
  admits(one: LaneSandbox): boolean {
    return one.hasPlace(this.widthOf(one), this.#options.clock.now());
  }

  /** Whether no more sandboxes should be started beside those there are: processors are short, or places are still closed. */
  get isEnough(): boolean {
    return this.#full && this.#options.sandboxes().some((one) => one.isMeasured);
  }

  /** Whether one more sandbox, beside those that serve, would take over what waits within them. */
  get wantsAnother(): boolean {
    return this.#crowding.wantsAnother;
  }

  /** An invocation went into a sandbox at once. */
  entered(one: LaneSandbox): void {
    if (!this.#isTicking && isCrowded(one)) this.watch();
  }

  /** One more serves. */
  joined(): void {
    this.#crowding.joined();
  }

  /** Somebody may wait. */
  watch(): void {
    if (this.#isTicking || !(this.#options.isShort() || this.#crowding.isCounting)) return;
    this.#window ??= this.#begin();
    this.#isTicking = true;
    this.#options.clock.after(WINDOW_MS, () => {
      this.#isTicking = false;
      const isShort = this.#options.isShort();
      if (isShort || this.#crowding.isCounting) this.#measure(isShort);
      else this.#window = null;
      if (!isShort) this.#forget();
      this.watch();
    });
  }

  #forget(): void {
    this.#lastNeed = Number.POSITIVE_INFINITY;
    this.#full = true;
  }

  #begin(): Window {
    const { clock, idleProcessorNs, sandboxes } = this.#options;
    const used = new Map<LaneSandbox, Use>();
    for (const one of sandboxes()) {
      const needNs = one.isMeasured && one.taken > 0 ? one.sandbox.processorNeedNs() : null;
      if (needNs !== null) used.set(one, { needNs, left: one.left, ranMs: one.ranMs });
    }
    return { at: clock.now(), idleNs: idleProcessorNs(), used };
  }

  #measure(isShort: boolean): void {
    const before = this.#window ?? this.#begin();
    this.#window = this.#begin();
    const sample = this.#sample(before, this.#window);
    this.#crowding.note(sample, isShort || this.#crowding.isCrowded);
    if (sample !== null && isShort) {
      const steady = { ...sample, need: Math.max(sample.need, this.#lastNeed) };
      this.#lastNeed = sample.need;
      this.#width = nextWidth(steady);
      this.#full = isComputerFull(steady) || this.#width > sample.width;
    }
    // Also when the width is as it was: an invocation that has become long no longer counts.
    this.#options.changed();
  }

  /** The mean of the sandboxes that served all the time; null when there is none, or no time has passed. */
  #sample(before: Window, after: Window): WidthSample | null {
    const elapsedMs = after.at - before.at;
    const measured = [...after.used].filter(([one]) => before.used.has(one));
    const first = measured[0]?.[0];
    if (first === undefined || elapsedMs <= 0) return null;
    const mean = (of: keyof Use): number =>
      measured.reduce((sum, [one, use]) => sum + use[of] - before.used.get(one)![of], 0) / measured.length;
    const [ended, ranMs] = [mean('left'), mean('ranMs')];
    return {
      width: this.widthOf(first),
      most: first.most,
      processors: first.sandbox.processors,
      need: mean('needNs') / 1e6 / elapsedMs,
      idle: (after.idleNs - before.idleNs) / 1e6 / elapsedMs,
      ended,
      running: ranMs / elapsedMs,
      runMs: ended === 0 ? Number.POSITIVE_INFINITY : ranMs / ended,
    };
  }
}
