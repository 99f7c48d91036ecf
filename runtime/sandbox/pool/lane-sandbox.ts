import type { Rung, StartRung } from '../rung.ts';
import type { Sandbox } from '../sandbox.ts';

/** A sandbox as its lane sees it: places, how it came to be, when it was used. Only its lane changes it. */
export class LaneSandbox {
  readonly sandbox: Sandbox;
  /** How it was started. */
  readonly via: StartRung;
  /** What its start took, milliseconds. */
  readonly startMs: number;
  readonly places: number;
  /** Places that are taken. */
  taken = 0;
  /** When an invocation last came or left, by the clock. */
  lastUsedAt: number;
  /** It takes no more invocations and is closed when the last has left. */
  leaving = false;
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
    this.beganAt = parts.beganAt;
    this.readyAt = parts.now;
    this.startMs = parts.now - parts.beganAt;
    this.lastUsedAt = parts.now;
  }

  /** Whether an invocation can go in at once. */
  get hasPlace(): boolean {
    return !this.leaving && this.sandbox.state === 'ready' && this.taken < this.places;
  }

  /** Whether it serves nobody, running or paused, and nobody is about to come. */
  get isUnused(): boolean {
    return !this.leaving && !this.waking && this.taken === 0;
  }

  /** Whether it is paused and can be woken. */
  get isParked(): boolean {
    return this.isUnused && this.sandbox.state === 'paused';
  }
}
