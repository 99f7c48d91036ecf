import { InFlight } from '../in-flight.ts';
import type { Rung, StartRung } from '../rung.ts';
import type { Sandbox } from '../sandbox.ts';
import type { CloseCause } from './close-cause.ts';

/** An invocation that has run for so long is long, milliseconds. */
const LONG_MS = 200;

/** A sandbox as its lane sees it: places, how it came to be, when it was used. Only its lane changes it. */
export class LaneSandbox {
  readonly sandbox: Sandbox;
  /** How it was started. */
  readonly via: StartRung;
  /** What its start took, milliseconds. */
  readonly startMs: number;
  /** Invocations that run in it at once. */
  readonly places: number;
  /** Whether its use of processors can be known. */
  readonly isMeasured: boolean;
  /** When each of the invocations in it came, by the clock. */
  readonly #since = new InFlight<object, number>();
  /** Invocations that came in so far. */
  #came = 0;
  /** Invocations that left so far, and for how long their guests ran, milliseconds. */
  left = 0;
  ranMs = 0;
  /** When an invocation last came or left, by the clock. */
  lastUsedAt: number;
  /** It takes no more invocations and is closed when the last has left. */
  leaving = false;
  /** Why it is to be closed: the first reason that there was. */
  cause: CloseCause | null = null;
  /** Whether it was not tried yet to replace it by a clone of a snapshot. */
  isWorthRenewing = true;
  /** It is paused and being resumed. */
  waking = false;
  /** How it last came to be able to serve. */
  rung: Rung;
  /** When that began and ended, by the clock. */
  beganAt: number;
  readyAt: number;
  /** The lane's count of such events: an invocation that came at a lower count has waited for this one. */
  epoch = 0;

  constructor(parts: { sandbox: Sandbox; via: StartRung; places: number; beganAt: number; now: number }) {
    this.sandbox = parts.sandbox;
    this.via = parts.via;
    this.rung = parts.via;
    this.places = parts.places;
    this.isMeasured = parts.sandbox.processorNeedNs() !== null;
    this.beganAt = parts.beganAt;
    this.readyAt = parts.now;
    this.startMs = parts.now - parts.beganAt;
    this.lastUsedAt = parts.now;
  }

  /** Invocations that it takes at once now: short ones wait for each other in it. */
  get most(): number {
    return Math.max(this.places, this.sandbox.placesAhead);
  }

  /** Places that are taken. */
  get taken(): number {
    return this.#since.size;
  }

  /** Takes a place. Gives what leaves it, which is told for how long the guest ran, or null when it was none that ran; once. */
  enter(now: number): (ranMs: number | null) => void {
    const left = (ranMs: number | null): void => {
      this.#since.delete(left);
      if (ranMs === null) return;
      this.left += 1;
      this.ranMs += ranMs;
    };
    this.#since.set(left, now);
    this.#came += 1;
    return left;
  }

  /** Whether an invocation can go in at once, when `width` are to be in it. One that takes long must not hold up the others, and does not count. */
  hasPlace(width: number, now: number): boolean {
    if (this.leaving || this.sandbox.state !== 'ready' || this.taken >= this.most) return false;
    if (this.taken < width) return true;
    let short = 0;
    for (const at of this.#since.values()) if (now - at < LONG_MS) short += 1;
    return short < width;
  }

  /** Whether it serves nobody, running or paused, and nobody is about to come. */
  get isUnused(): boolean {
    return !this.leaving && !this.waking && this.taken === 0;
  }

  /** Whether it has served one invocation, and not been needed again. */
  get servedOnce(): boolean {
    return this.#came === 1 && this.isUnused;
  }

  /** Whether it is paused and can be woken. */
  get isParked(): boolean {
    return this.isUnused && this.sandbox.state === 'paused';
  }
}

/** Of those that are parked the one that was used last; null when none is. */
export function usedLast(all: readonly LaneSandbox[]): LaneSandbox | null {
  let last: LaneSandbox | null = null;
  for (const one of all) if (one.isParked && (last === null || one.lastUsedAt > last.lastUsedAt)) last = one;
  return last;
}
