import { asCloudletError, type CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { LeaveSignal } from '../leave-signal.ts';
import type { LoadedVersion } from '../loaded-version.ts';
import type { StartedSandbox } from '../sandbox-source.ts';
import { gone, LaneQueue, removed, type Waiter } from './lane-queue.ts';
import { LaneSandbox, usedLast } from './lane-sandbox.ts';
import { placesAllowed, sandboxesAllowed, sandboxesWanted } from './lane-wants.ts';
import type { Place, PlaceTiming } from './place.ts';
import type { CompletePoolOptions } from './pool-options.ts';
import { RecentDemand } from './recent-demand.ts';
import { ServiceEstimate } from './service-estimate.ts';
import { StartFailures } from './start-failures.ts';
import { WidthWatch } from './width-watch.ts';

/** Whom a lane tells. */
export interface LaneListener {
  /** What the lane wants may be another. */
  readonly changed: () => void;
  /** The last invocation has left one of its sandboxes. */
  readonly unused: (one: LaneSandbox) => void;
}

/** One version's sandboxes and the invocations that wait for a place in them. */
export class VersionLane {
  readonly version: LoadedVersion;
  readonly #options: CompletePoolOptions;
  readonly #listener: LaneListener;
  readonly #queue: LaneQueue;
  readonly #width: WidthWatch;
  readonly #estimate = new ServiceEstimate();
  readonly #ended = new AbortController();
  /** Times at which more sandboxes were needed than there were. */
  readonly #demand: RecentDemand;
  /** In the order of their starts: the first with a place is taken, so that the last become idle. */
  #sandboxes: LaneSandbox[] = [];
  #starting = 0;
  #epoch = 0;
  readonly #failures = new StartFailures();
  /** Since when somebody has waited without a pause. */
  #shortSince: number | null = null;
  #stopPatience: (() => void) | null = null;

  constructor(version: LoadedVersion, options: CompletePoolOptions, listener: LaneListener) {
    this.version = version;
    this.#options = { ...options, sandboxes: sandboxesAllowed(options.sandboxes, version.grant.limits) };
    this.#listener = listener;
    this.#demand = new RecentDemand(options.demandMs);
    const { clock, idleProcessorNs, queueLength, queueMs } = options;
    this.#width = new WidthWatch({
      clock,
      idleProcessorNs,
      sandboxes: () => this.sandboxes,
      isShort: () => this.#queue.length > 0,
      changed: () => {
        this.#serve();
        this.#listener.changed();
      },
    });
    const hasNone = () => this.sandboxes.length === 0;
    const retryAfterS = () => this.#estimate.retryAfterS(this.#queue.length, this.#placesServing(), hasNone());
    const isFirstStarting = () => hasNone() && this.#starting > 0;
    this.#queue = new LaneQueue({ clock, queueLength, queueMs, retryAfterS, isFirstStarting });
  }

  /** Sandboxes that serve or may serve. */
  get sandboxes(): readonly LaneSandbox[] {
    return this.#sandboxes.filter((one) => !one.leaving);
  }

  /** Starts that go on. */
  get starting(): number {
    return this.#starting;
  }

  /** Sandboxes it has or will have. */
  get held(): number {
    return this.sandboxes.length + this.#starting;
  }

  /** Why the last start failed, until one succeeds. */
  get failure(): CloudletError | null {
    return this.#failures.last;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** When the first of those who wait came; null when nobody does. */
  get oldestSince(): number | null {
    return this.#queue.oldestSince;
  }

  /** Aborts when the version is let go. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Sandboxes that could be started now and would help those who wait. */
  wanted(): number {
    const { clock, patienceMs, sandboxes } = this.#options;
    const now = clock.now();
    const { held, waiting } = this;
    if (held > 0 && this.#failures.isRecent(now)) return 0;
    return sandboxesWanted({
      waiting,
      oldestMs: now - (this.#queue.oldestSince ?? now),
      shortMs: now - (this.#shortSince ?? now),
      placesToCome: this.#placesWaking() + this.#starting * this.#placesOfNext(),
      placesEach: this.#placesOfNext(),
      held,
      sandboxes,
      drainMs: this.#estimate.drainMs(waiting, this.#placesServing()),
      startMs: this.#estimate.startMs,
      patienceMs,
      isEnough: this.#width.isEnough,
    });
  }

  /** An unused sandbox that a clone of the version's snapshot should replace: one that was loaded has taken much more memory. */
  stale: LaneSandbox | null = null;

  /** Sandboxes that are worth having before anybody waits for one: recent demand says so, or what waits within one, or at least one when there is none. */
  aheadWanted(atLeast: 0 | 1): number {
    const { clock, prestarted, sandboxes } = this.#options;
    if (this.#ended.signal.aborted || this.#failures.isRecent(clock.now())) return 0;
    const { held } = this;
    const unused = this.sandboxes.filter((one) => one.isUnused).length + this.#starting;
    const wanted = Math.min(prestarted, this.#demand.count(clock.now())) - unused;
    if (this.stale?.isParked === true && this.#starting === 0) return 1;
    const least = held === 0 ? atLeast : Number(this.#width.wantsAnother && unused + this.#placesWaking() === 0);
    return Math.min(sandboxes - held, Math.max(wanted, least));
  }

  /** Whether an unused sandbox is kept although it was idle for long. */
  keepsUnused(): boolean {
    const unused = this.sandboxes.filter((one) => one.isUnused).length;
    return unused <= Math.min(this.#options.prestarted, this.#demand.count(this.#options.clock.now()));
  }

  /** Takes nothing more and sends away who waits. */
  retire(why: CloudletError = removed()): void {
    this.#ended.abort(why);
    this.rejectWaiting(why);
  }

  /** A place in a sandbox, now or when there is one; fails as `LaneQueue.wait` says. */
  enter(signal?: LeaveSignal): Place | Promise<Place> {
    if (signal?.aborted === true) return Promise.reject(gone());
    if (this.#ended.signal.aborted) return Promise.reject(this.#ended.signal.reason);
    const free = this.#queue.length === 0 ? this.#sandboxes.find((one) => this.#width.admits(one)) : undefined;
    if (free !== undefined) return this.#place(free, { queueMs: 0, startMs: 0, start: 'idle' });
    if (this.#queue.length === 0) this.#shortSince = null;
    const place = this.#queue.wait(this.#epoch, signal);
    this.#serve();
    this.#listener.changed();
    return place;
  }

  /** A sandbox is being started for this lane; `forWaiting` when somebody waits for it. */
  beginStart(forWaiting: boolean): void {
    if (forWaiting && this.held > 0) this.#demand.note(this.#options.clock.now());
    this.#starting += 1;
  }

  /** The sandbox is loaded: those who wait go in. */
  endStart({ sandbox, via }: StartedSandbox, beganAt: number): LaneSandbox {
    const now = this.#options.clock.now();
    const places = sandbox.allow(placesAllowed(this.version.grant.limits));
    const one = new LaneSandbox({ sandbox, via, places, beganAt, now });
    this.#starting -= 1;
    this.#failures.clear();
    this.#estimate.started(one.startMs);
    one.epoch = ++this.#epoch;
    this.#sandboxes.push(one);
    this.#serve();
    return one;
  }

  /** A start failed. Those who wait are told, unless others serve them or the machine was lost for the first time. */
  failStart(thrown: unknown): void {
    const error = asCloudletError(thrown, 'machine-failed');
    this.#starting -= 1;
    const isTold = this.#failures.note(error, this.#options.clock.now());
    if (isTold && this.held === 0) this.rejectWaiting(error);
    if (this.#queue.length === 0) this.#failures.rest();
  }

  /** A sandbox is gone; who waits may need another. */
  lose(one: LaneSandbox): void {
    one.leaving = true;
    this.#sandboxes = this.#sandboxes.filter((each) => each !== one);
    this.#serve();
  }

  /** Sends everyone away who waits. */
  rejectWaiting(error: CloudletError): void {
    this.#queue.rejectAll(error);
  }

  #serve(): void {
    while (this.#queue.length > 0) {
      const one = this.#sandboxes.find((each) => this.#width.admits(each));
      if (one === undefined) break;
      const waiter = this.#queue.shift()!;
      waiter.give(this.#place(one, this.#timing(one, waiter)));
    }
    this.#wake();
    this.#watch();
    this.#width.watch();
  }

  /** Resumes as many paused sandboxes as those who wait need, also within others, the one used last first: more of it is still in caches. */
  #wake(): void {
    while (this.#queue.length + (this.#width.wantsAnother ? 1 : 0) > this.#placesWaking()) {
      const parked = usedLast(this.#sandboxes);
      if (parked === null) return;
      const { clock } = this.#options;
      if (this.#queue.length > 0 && this.sandboxes.some((one) => one.taken > 0)) this.#demand.note(clock.now());
      parked.waking = true;
      parked.rung = 'restored';
      parked.beganAt = clock.now();
      parked.sandbox.resume().then(
        () => {
          parked.waking = false;
          parked.readyAt = clock.now();
          parked.lastUsedAt = parked.readyAt;
          parked.epoch = ++this.#epoch;
          this.#width.joined();
          this.#serve();
          if (parked.isUnused) this.#listener.unused(parked);
        },
        () => {
          // It is poisoned, and whoever buries it loses it.
        },
      );
    }
  }

  /** Asks again when those who wait may have waited for long enough. */
  #watch(): void {
    const since = this.#queue.oldestSince;
    if (since === null) this.#shortSince = null;
    if (since === null || this.#stopPatience !== null) return;
    this.#shortSince ??= since;
    const { clock, patienceMs } = this.#options;
    const now = clock.now();
    const dueAt = [since + patienceMs, this.#shortSince + this.#estimate.startMs].filter((at) => at > now);
    if (dueAt.length === 0) return;
    this.#stopPatience = clock.after(Math.min(...dueAt) - now, () => {
      this.#stopPatience = null;
      this.#listener.changed();
      this.#watch();
    });
  }

  #place(one: LaneSandbox, timing: PlaceTiming): Place {
    const enteredAt = this.#options.clock.now();
    const leave = one.enter(enteredAt);
    one.lastUsedAt = enteredAt;
    this.#width.entered(one);
    return {
      sandbox: one.sandbox,
      timing,
      leave: (ranMs) => {
        leave(ranMs);
        this.#left(one, ranMs === null ? null : enteredAt);
      },
    };
  }

  #timing(one: LaneSandbox, waiter: Waiter): PlaceTiming {
    const waitedMs = this.#options.clock.now() - waiter.since;
    if (waiter.epoch >= one.epoch) return { queueMs: waitedMs, startMs: 0, start: 'idle' };
    const startMs = Math.max(0, one.readyAt - Math.max(waiter.since, one.beganAt));
    return { queueMs: Math.max(0, waitedMs - startMs), startMs, start: one.rung };
  }

  #left(one: LaneSandbox, enteredAt: number | null): void {
    const now = this.#options.clock.now();
    if (enteredAt !== null) this.#estimate.served(now - enteredAt);
    one.lastUsedAt = now;
    if (this.#queue.length > 0) this.#serve();
    if (one.taken === 0) this.#listener.unused(one);
  }

  #placesOfNext(): number {
    return this.#sandboxes[0]?.places ?? placesAllowed(this.version.grant.limits) * (this.version.reuse?.atOnce ?? 1);
  }

  #placesWaking(): number {
    return this.#sandboxes.reduce((sum, one) => sum + (one.waking ? one.places : 0), 0);
  }

  /** Places of the sandboxes that serve; of one when there is none. */
  #placesServing(): number {
    return this.sandboxes.reduce((sum, one) => sum + this.#width.widthOf(one), 0) || this.#placesOfNext();
  }
}
