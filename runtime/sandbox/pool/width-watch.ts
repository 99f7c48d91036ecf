import type { Clock } from '../clock.ts';
import type { LaneSandbox } from './lane-sandbox.ts';
import { fairWidth, isComputerFull, isOverfull, nextWidth, type WidthSample } from './lane-width.ts';

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

/** Windows in which sandboxes were overfull, less those in which they were not, after which they want another beside them. */
const OVERFULL_WINDOWS = 100;

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
  #overfull = 0;
  /** Whether one was added because another was overfull. */
  #hasAdded = false;

  constructor(options: WidthWatchOptions) {
    this.#options = options;
  }

  /** Invocations at once in one sandbox that this one counts for: all of its places, when its use of processors is not known. */
  widthOf(one: LaneSandbox): number {
    const { processors, placesAhead } = one.sandbox;
    if (!one.isMeasured) return one.most;
    const ahead = this.#isShared ? Math.min(placesAhead, fairWidth(processors)) : placesAhead;
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
    return this.#overfull >= OVERFULL_WINDOWS;
  }

  /** An invocation went into a sandbox at once. */
  entered(one: LaneSandbox): void {
    if (!this.#isTicking && isCrowded(one)) this.watch();
  }

  /** One more serves: from now on short ones are shared out. */
  joined(): void {
    if (this.wantsAnother) this.#hasAdded = true;
    this.#overfull = 0;
  }

  /** Whether short ones are shared out: more than one serves, since one was not enough. One that came earlier, while the first was new, is to become idle again. */
  get #isShared(): boolean {
    return this.#hasAdded && this.#serveTogether;
  }

  get #serveTogether(): boolean {
    let serving = 0;
    for (const { sandbox } of this.#options.sandboxes()) if (sandbox.state === 'ready') serving += 1;
    return serving > 1;
  }

  /** Whether somebody waits within a sandbox. */
  get #isCrowded(): boolean {
    return this.#options.sandboxes().some((one) => isCrowded(one));
  }

  /** Somebody may wait. */
  watch(): void {
    if (this.#isTicking || !(this.#options.isShort() || this.#overfull > 0 || this.#isCrowded)) return;
    this.#window ??= this.#begin();
    this.#isTicking = true;
    this.#options.clock.after(WINDOW_MS, () => {
      this.#isTicking = false;
      const isShort = this.#options.isShort();
      if (isShort || this.#overfull > 0 || this.#isCrowded) this.#measure(isShort);
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
    const isFuller = sample !== null && (isShort || this.#isCrowded) && isOverfull(sample);
    this.#overfull = isFuller ? Math.min(this.#overfull + 1, OVERFULL_WINDOWS) : Math.max(this.#overfull - 1, 0);
    if (this.wantsAnother && this.#serveTogether) this.joined();
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

/** Whether more short invocations are in it than it would be given beside another. Only what it sends ahead waits within it. */
function isCrowded({ isMeasured, taken, sandbox }: LaneSandbox): boolean {
  const fair = fairWidth(sandbox.processors);
  return taken > fair && isMeasured && sandbox.placesAhead > fair;
}
