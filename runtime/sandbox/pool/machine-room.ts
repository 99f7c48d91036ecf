import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { LoadedVersion } from '../loaded-version.ts';
import type { StartRung } from '../rung.ts';
import type { Sandbox } from '../sandbox.ts';
import type { CloseCause } from './close-cause.ts';
import type { LaneSandbox } from './lane-sandbox.ts';
import { claim, unusedOfOthers } from './make-room.ts';
import { MemoryBudget } from './memory-budget.ts';
import { MemoryWatch } from './memory-watch.ts';
import { Parking } from './parking.ts';
import type { CompletePoolOptions } from './pool-options.ts';
import { Preparations } from './preparations.ts';
import { settleRenewal, staleSandbox } from './renewal.ts';
import { startFor } from './start-for.ts';
import { StartQueue } from './start-queue.ts';
import { VersionLane } from './version-lane.ts';

/** A sandbox that exists. */
export interface RoomEntry {
  readonly sandbox: Sandbox;
  /** Id of its version. */
  readonly version: string;
  readonly via: StartRung;
  /** Its private memory as measured last; what is expected when it was not yet. */
  readonly privateBytes: number;
}

/** Holds all sandboxes, within so many and so much memory: starts them, parks them, and ends those that others need the room of. */
export class MachineRoom {
  readonly #options: CompletePoolOptions;
  readonly #lanes = new Map<string, VersionLane>();
  /** Every sandbox until its machine is gone. */
  readonly #owners = new Map<LaneSandbox, VersionLane>();
  readonly #budget: MemoryBudget;
  readonly #starts: StartQueue;
  readonly #parking: Parking;
  readonly #watch: MemoryWatch;
  readonly #preparations: Preparations;
  /** What goes on in the background; `close` waits for it. */
  readonly #tasks = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #stopTurn: (() => void) | null = null;

  constructor(options: CompletePoolOptions) {
    const { clock, observer, source, starts, weight, parkMs, idleMs, measureMs, memoryBytes } = options;
    this.#options = options;
    this.#budget = new MemoryBudget(memoryBytes);
    this.#starts = new StartQueue({
      starts,
      weight,
      fits: (lane) => this.#fits(lane),
      makeRoom: (lane) => this.#makeRoom(lane),
      start: (lane, forWaiting) => this.#background(this.#start(lane, forWaiting)),
      rest: () => this.#prepare(),
    });
    this.#parking = new Parking({
      clock,
      parkMs,
      idleMs,
      keeps: (one) => this.#owners.get(one)?.keepsUnused() === true,
      parked: (one) => {
        this.#watch.measure(one);
        observer.sandboxParked?.({ id: one.sandbox.id });
        this.#renew(this.#owners.get(one)!);
      },
      expired: (one) => this.#end(one, 'idle'),
    });
    this.#watch = new MemoryWatch({
      clock,
      measureMs,
      all: () => [...this.#owners.keys()],
      measured: (one, bytes) => this.#measured(one, bytes),
    });
    this.#preparations = new Preparations({ source, clock, observer, signal: this.#closing.signal });
  }

  /** The lane of a version, made when there is none. `draining` once the room is closed. */
  lane(version: LoadedVersion): VersionLane {
    if (this.#closing.signal.aborted) throw draining();
    const known = this.#lanes.get(version.id);
    if (known !== undefined) return known;
    const lane: VersionLane = new VersionLane(version, this.#options, {
      changed: () => this.#changed(lane),
      unused: (one) => this.#unused(one),
    });
    this.#lanes.set(version.id, lane);
    return lane;
  }

  /** Starts a sandbox for a version that nobody waits for, unless another would have to end for it. */
  async prewarm(version: LoadedVersion): Promise<void> {
    const lane = this.lane(version);
    if (lane.held === 0) await this.#starts.prewarm(lane);
  }

  /** Takes nothing more for a version, who waits is told `why`; its sandboxes are closed when the running invocations have ended. */
  drop(versionId: string, why?: CloudletError): void {
    const lane = this.#lanes.get(versionId);
    if (lane !== undefined) {
      this.#lanes.delete(versionId);
      this.#starts.drop(lane);
      lane.retire(why);
      for (const one of lane.sandboxes) this.#dismiss(one, 'removed');
    }
    this.#budget.forget(versionId);
    this.#background(this.#preparations.forget(versionId));
  }

  /** The lane of a version that was asked for before. */
  find(versionId: string): VersionLane | undefined {
    return this.#lanes.get(versionId);
  }

  /** Sandboxes that exist. */
  entries(): RoomEntry[] {
    return [...this.#owners].map(([one, lane]) => ({
      sandbox: one.sandbox,
      version: lane.version.id,
      via: one.via,
      privateBytes: this.#budget.bytesOf(one),
    }));
  }

  /** Invocations that wait for a place. */
  get waiting(): number {
    return [...this.#lanes.values()].reduce((sum, lane) => sum + lane.waiting, 0);
  }

  /** Sends away who waits and ends all machines. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(draining());
    this.#starts.close();
    this.#stopTurn?.();
    this.#background(this.#watch.close());
    for (const lane of this.#lanes.values()) lane.rejectWaiting(draining());
    for (const one of this.#owners.keys()) this.#end(one, 'drain');
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  #changed(lane: VersionLane): void {
    if (this.#closing.signal.aborted) lane.rejectWaiting(draining());
    else this.#starts.changed(lane);
  }

  /** Starts a sandbox for a lane. Never rejects: the lane is told. */
  async #start(lane: VersionLane, forWaiting: boolean): Promise<void> {
    const { clock, observer, source } = this.#options;
    const { version } = lane;
    const signal = AbortSignal.any([this.#closing.signal, lane.ended]);
    const beganAt = clock.now();
    const reservation = {};
    this.#budget.hold(reservation, version.id);
    lane.beginStart(forWaiting);
    try {
      const started = await startFor(source, version, () => lane.waiting > 0, signal);
      const one = lane.endStart(started, beganAt);
      this.#owners.set(one, lane);
      this.#budget.hold(one, version.id);
      this.#background(this.#bury(one, lane));
      void one.sandbox.worn.then(() => {
        this.#dismiss(one, 'replaced');
        this.#changed(lane);
      });
      this.#watch.measure(one);
      const ms = clock.now() - beganAt;
      observer.sandboxStarted?.({ id: one.sandbox.id, version: version.id, via: started.via, ms });
      if (started.via !== 'function-clone') this.#preparations.want(version, lane.ended);
      const needless = settleRenewal(lane, one);
      if (needless !== null) this.#end(needless, 'replaced');
      // One that came beside others is for later: it costs nothing but its memory until then.
      if (one.isUnused && lane.sandboxes.length > 1) this.#parking.park(one);
      else if (one.isUnused) this.#parking.watch(one);
    } catch (error) {
      lane.failStart(error);
      if (!signal.aborted) observer.startFailed?.({ version: version.id, reason: (error as Error).message });
    }
    this.#budget.release(reservation);
  }

  async #bury(one: LaneSandbox, lane: VersionLane): Promise<void> {
    const { reason } = await one.sandbox.ended;
    this.#parking.forget(one);
    lane.lose(one);
    this.#changed(lane);
    await one.sandbox.close();
    this.#owners.delete(one);
    this.#budget.release(one);
    const cause = reason === null ? (one.cause ?? 'removed') : 'poisoned';
    this.#options.observer.sandboxClosed?.({ id: one.sandbox.id, version: lane.version.id, cause, reason });
    this.#starts.pump();
  }

  /** Snapshots are made one at a time, while nobody waits for a start. */
  #prepare(): void {
    const preparing = this.#preparations.next();
    if (preparing === null) return;
    const prepared = preparing.then((versionId) => {
      const lane = this.#lanes.get(versionId);
      if (lane !== undefined) this.#renew(lane);
      this.#starts.pump();
    });
    void this.#background(prepared);
  }

  /** Has a parked sandbox that was loaded replaced, when the version is prepared. */
  #renew(lane: VersionLane): void {
    lane.stale = this.#preparations.has(lane.version.id) ? staleSandbox(lane) : null;
    if (lane.stale !== null) this.#changed(lane);
  }

  #unused(one: LaneSandbox): void {
    if (one.leaving) {
      this.#end(one, 'removed');
      return;
    }
    this.#parking.watch(one);
    // Somebody else may have been waiting for it.
    if (this.#starts.isShort) this.#starts.pump();
    // What its first invocation left behind to be put away would take processors from the starts that others wait for.
    if (one.servedOnce && this.#starts.isAwaited) this.#parking.park(one);
  }

  get #machines(): number {
    return this.#owners.size + this.#starts.starting;
  }

  /** Whether one more can be had. The first of all always can: a budget that is too small must not mean none. */
  #fits(lane: VersionLane): boolean {
    if (this.#machines === 0) return true;
    return this.#machines < this.#options.machines && this.#budget.excess(lane.version.id) <= 0;
  }

  /** Makes room for one more: what ends now counts, then who is unused goes, then who was told to and is still used, then one more is. */
  #makeRoom(lane: VersionLane): void {
    const { clock, machines, turnMs, weight } = this.#options;
    const missing = { machines: this.#machines + 1 - machines, bytes: this.#budget.excess(lane.version.id) };
    const isEnough = () => missing.machines <= 0 && missing.bytes <= 0;
    const count = (one: LaneSandbox) => {
      missing.machines -= 1;
      missing.bytes -= this.#budget.bytesOf(one);
    };
    const leaving = [...this.#owners.keys()].filter((one) => one.leaving);
    for (const one of leaving) if (one.taken === 0) count(one);
    for (const one of unusedOfOthers(this.#lanes.values(), lane)) {
      if (isEnough()) return;
      count(one);
      this.#end(one, 'evicted');
    }
    for (const one of leaving) if (one.taken > 0) count(one);
    if (isEnough()) return;
    const claimed = claim(this.#lanes.values(), lane, { weight, turnMs, now: clock.now() });
    if (claimed === null) return;
    if ('from' in claimed) {
      this.#dismiss(claimed.from, 'evicted');
      return;
    }
    this.#stopTurn ??= clock.after(claimed.inMs, () => {
      this.#stopTurn = null;
      this.#starts.pump();
    });
  }

  /** Takes note of what one costs; who grew beyond the budget costs the unused their memory. */
  #measured(one: LaneSandbox, bytes: number): void {
    const lane = this.#owners.get(one);
    if (lane === undefined || this.#closing.signal.aborted) return;
    this.#budget.measure(one, lane.version.id, bytes);
    let excess = this.#budget.usedBytes - this.#budget.limitBytes;
    for (const each of this.#owners.keys()) if (each.leaving) excess -= this.#budget.bytesOf(each);
    for (const unused of unusedOfOthers(this.#lanes.values(), null)) {
      if (excess <= 0) break;
      excess -= this.#budget.bytesOf(unused);
      this.#end(unused, 'evicted');
    }
    if (this.#starts.isShort) this.#starts.pump();
  }

  /** Lets one take nothing more; it ends when its invocations have. */
  #dismiss(one: LaneSandbox, cause: CloseCause): void {
    one.leaving = true;
    one.cause ??= cause;
    if (one.taken === 0) this.#end(one, cause);
  }

  #end(one: LaneSandbox, cause: CloseCause): void {
    one.leaving = true;
    one.cause ??= cause;
    void this.#background(one.sandbox.close());
  }

  #background(task: Promise<void>): Promise<void> {
    const tracked = task.finally(() => this.#tasks.delete(tracked));
    this.#tasks.add(tracked);
    return tracked;
  }
}

function draining(): CloudletError {
  return new CloudletError('draining', 'the cloudlet is shutting down');
}
