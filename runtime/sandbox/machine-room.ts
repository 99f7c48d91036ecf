import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { Artifact } from '../component/artifact.ts';
import type { Clock } from './clock.ts';
import type { PoolObserver } from './pool-observer.ts';
import type { Sandbox } from './sandbox.ts';
import { type LoadedVersion, VersionLane } from './version-lane.ts';

/** What a room is limited by; see `PoolOptions`. */
export interface RoomOptions {
  readonly startSandbox: (signal: AbortSignal) => Promise<Sandbox>;
  readonly machines: number;
  readonly spare: boolean;
  readonly idleMs: number;
  readonly queueLength: number;
  readonly queueMs: number;
  readonly clock: Clock;
  readonly observer: PoolObserver;
}

/** A sandbox that exists, with the id of its version; null while it is empty. */
export interface RoomEntry {
  readonly sandbox: Sandbox;
  readonly version: string | null;
}

/** Decides which version gets one of the machines: starts and loads, evicts the least recently used idle one, keeps a spare. */
export class MachineRoom {
  readonly #options: RoomOptions;
  readonly #lanes = new Map<string, VersionLane>();
  readonly #entries = new Map<Sandbox, string | null>();
  /** Lanes with waiting invocations for which there is no machine now, longest waiting first. */
  readonly #starved = new Set<VersionLane>();
  readonly #idleTimers = new Map<VersionLane, () => void>();
  /** What goes on in the background; `close` waits for it. */
  readonly #tasks = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #spare: Promise<Sandbox> | null = null;
  /** Machines that exist, are being started or are being ended. */
  #machines = 0;
  #ending = 0;

  constructor(options: RoomOptions) {
    this.#options = options;
    this.#keepSpare();
  }

  /** The lane of a version, made when there is none. `draining` once the room is closed. */
  lane(version: LoadedVersion): VersionLane {
    if (this.#closing.signal.aborted) throw draining();
    const known = this.#lanes.get(version.id);
    if (known !== undefined) return known;
    const lane: VersionLane = new VersionLane(version, {
      clock: this.#options.clock,
      queueLength: this.#options.queueLength,
      queueMs: this.#options.queueMs,
      needSandbox: () => this.#want(lane),
      idle: () => this.#idle(lane),
    });
    this.#lanes.set(version.id, lane);
    return lane;
  }

  /** Starts a sandbox for a version that nobody waits for, unless another version's would have to make room. */
  async prewarm(version: LoadedVersion): Promise<void> {
    const lane = this.lane(version);
    if (lane.sandbox === null && !lane.starting && this.#hasRoom()) await this.#start(lane);
  }

  /** Takes nothing more for a version; its sandbox is closed when the running invocations have ended. */
  drop(versionId: string): void {
    const lane = this.#lanes.get(versionId);
    if (lane === undefined) return;
    this.#lanes.delete(versionId);
    this.#starved.delete(lane);
    lane.retire();
    if (lane.isIdle) this.#idle(lane);
  }

  /** The lane of a version that was asked for before. */
  find(versionId: string): VersionLane | undefined {
    return this.#lanes.get(versionId);
  }

  /** Sandboxes that exist. */
  entries(): RoomEntry[] {
    return [...this.#entries].map(([sandbox, version]) => ({ sandbox, version }));
  }

  /** Invocations that wait for a place. */
  get waiting(): number {
    return [...this.#lanes.values()].reduce((sum, lane) => sum + lane.waiting, 0);
  }

  /** Sends away who waits and ends all machines. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const stop of this.#idleTimers.values()) stop();
    for (const lane of this.#lanes.values()) lane.rejectWaiting(draining());
    for (const sandbox of this.#entries.keys()) this.#end(sandbox);
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  #hasRoom(): boolean {
    return this.#spare !== null || this.#machines < this.#options.machines;
  }

  #want(lane: VersionLane): void {
    if (this.#closing.signal.aborted) {
      lane.rejectWaiting(draining());
    } else if (this.#hasRoom()) {
      this.#background(this.#start(lane));
    } else {
      this.#starved.add(lane);
      this.#evict();
    }
  }

  /** Starts and loads a sandbox for a lane. Never rejects: the lane is told. */
  async #start(lane: VersionLane): Promise<void> {
    const { clock, observer } = this.#options;
    const { id } = lane.version;
    const beganAt = clock.now();
    lane.beginStart();
    // At once, beside the boot; who is slower decides. Its failure is seen when it is awaited.
    const translated = lane.version.artifact();
    translated.catch(() => {});
    try {
      let via: 'spare' | 'boot' = this.#spare === null ? 'boot' : 'spare';
      let sandbox: Sandbox;
      try {
        sandbox = await this.#load(lane, this.#takeSpare() ?? this.#boot(), translated);
      } catch (error) {
        // A spare may have been lost while nobody used it.
        if (via === 'boot' || this.#closing.signal.aborted || !isLost(error)) throw error;
        via = 'boot';
        sandbox = await this.#load(lane, this.#boot(), translated);
      }
      this.#entries.set(sandbox, id);
      lane.endStart(sandbox, via);
      observer.sandboxStarted?.({ id: sandbox.id, version: id, via, ms: clock.now() - beganAt });
    } catch (error) {
      lane.failStart(this.#closing.signal.aborted ? draining() : error);
      observer.startFailed?.({ version: id, reason: (error as Error).message });
    }
    this.#keepSpare();
    this.#feed();
  }

  #takeSpare(): Promise<Sandbox> | null {
    const spare = this.#spare;
    this.#spare = null;
    return spare;
  }

  async #load(lane: VersionLane, empty: Promise<Sandbox>, translated: Promise<Artifact>): Promise<Sandbox> {
    const { program, grant } = lane.version;
    const sandbox = await empty;
    void sandbox.ended.then(() => lane.loseSandbox(sandbox));
    try {
      await sandbox.load({ program, artifact: await translated, grant }, this.#closing.signal);
      return sandbox;
    } catch (error) {
      this.#end(sandbox);
      throw error;
    }
  }

  /** An empty sandbox of a new machine; takes care of its end. */
  async #boot(): Promise<Sandbox> {
    this.#machines += 1;
    let sandbox: Sandbox;
    try {
      sandbox = await this.#options.startSandbox(this.#closing.signal);
    } catch (error) {
      this.#machines -= 1;
      throw error;
    }
    this.#entries.set(sandbox, null);
    this.#background(this.#bury(sandbox));
    // Whoever closed the room meanwhile did not see this one.
    if (this.#closing.signal.aborted) this.#end(sandbox);
    return sandbox;
  }

  async #bury(sandbox: Sandbox): Promise<void> {
    const { reason } = await sandbox.ended;
    this.#ending += 1;
    await sandbox.close();
    this.#ending -= 1;
    this.#machines -= 1;
    const version = this.#entries.get(sandbox) ?? null;
    this.#entries.delete(sandbox);
    this.#options.observer.sandboxClosed?.({ id: sandbox.id, version, reason });
    this.#feed();
  }

  #keepSpare(): void {
    const { spare, machines, observer } = this.#options;
    if (!spare || this.#closing.signal.aborted || this.#starved.size > 0) return;
    if (this.#spare !== null || this.#machines >= machines) return;
    const booting = this.#boot();
    this.#spare = booting;
    const forget = () => {
      if (this.#spare === booting) this.#spare = null;
    };
    // A spare that fails is not started again before the next start: what is wrong now will be wrong in a moment.
    booting.then(
      (sandbox) => void sandbox.ended.then(forget),
      (error: Error) => {
        forget();
        if (!this.#closing.signal.aborted) observer.startFailed?.({ version: null, reason: error.message });
        this.#feed();
      },
    );
  }

  /** Gives free machines to those who wait for one. */
  #feed(): void {
    for (const lane of this.#starved) {
      if (!this.#hasRoom()) {
        this.#evict();
        return;
      }
      this.#starved.delete(lane);
      if (lane.waiting > 0 && !lane.starting && lane.sandbox === null) this.#background(this.#start(lane));
    }
  }

  /** Makes room for the starved: ends the sandbox that was idle longest, unless enough machines are ending already. */
  #evict(): void {
    if (this.#ending >= this.#starved.size) return;
    let oldest: VersionLane | undefined;
    for (const lane of this.#lanes.values()) {
      if (lane.sandbox === null || !lane.isIdle) continue;
      if (oldest === undefined || lane.lastUsedAt < oldest.lastUsedAt) oldest = lane;
    }
    if (oldest?.sandbox != null) this.#end(oldest.sandbox);
  }

  #idle(lane: VersionLane): void {
    this.#idleTimers.get(lane)?.();
    this.#idleTimers.delete(lane);
    const sandbox = lane.sandbox;
    if (sandbox === null) return;
    if (lane.retired) {
      this.#end(sandbox);
      return;
    }
    if (this.#starved.size > 0) {
      this.#evict();
      return;
    }
    const { clock, idleMs } = this.#options;
    const stop = clock.after(idleMs, () => {
      this.#idleTimers.delete(lane);
      if (lane.sandbox === sandbox && lane.isIdle && clock.now() - lane.lastUsedAt >= idleMs) this.#end(sandbox);
    });
    this.#idleTimers.set(lane, stop);
  }

  #end(sandbox: Sandbox): void {
    this.#background(sandbox.close());
  }

  #background(task: Promise<void>): void {
    const tracked = task.finally(() => this.#tasks.delete(tracked));
    this.#tasks.add(tracked);
  }
}

function isLost(error: unknown): boolean {
  return error instanceof CloudletError && error.traits.poisons;
}

function draining(): CloudletError {
  return new CloudletError('draining', 'the cloudlet is shutting down');
}
