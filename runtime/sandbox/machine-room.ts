import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { Clock } from './clock.ts';
import type { LoadedVersion } from './loaded-version.ts';
import type { PoolObserver } from './pool-observer.ts';
import type { Sandbox } from './sandbox.ts';
import type { SandboxSource, StartedSandbox } from './sandbox-source.ts';
import { VersionLane } from './version-lane.ts';

/** What a room is limited by; see `PoolOptions`. */
export interface RoomOptions {
  readonly source: Pick<SandboxSource, 'start' | 'prepare' | 'forget'>;
  readonly machines: number;
  readonly idleMs: number;
  readonly queueLength: number;
  readonly queueMs: number;
  readonly clock: Clock;
  readonly observer: PoolObserver;
}

/** A sandbox that exists, with the id of its version. */
export interface RoomEntry {
  readonly sandbox: Sandbox;
  readonly version: string;
}

/** Decides which version gets one of the machines: starts, evicts the least recently used idle one. */
export class MachineRoom {
  readonly #options: RoomOptions;
  readonly #lanes = new Map<string, VersionLane>();
  readonly #entries = new Map<Sandbox, string>();
  /** Lanes with waiting invocations for which there is no machine now, longest waiting first. */
  readonly #starved = new Set<VersionLane>();
  readonly #idleTimers = new Map<VersionLane, () => void>();
  /** What goes on in the background; `close` waits for it. */
  readonly #tasks = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  /** Machines that exist, are being started or are being ended. */
  #machines = 0;
  #ending = 0;

  constructor(options: RoomOptions) {
    this.#options = options;
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
    return this.#machines < this.#options.machines;
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

  /** Starts a sandbox for a lane. Never rejects: the lane is told. */
  async #start(lane: VersionLane): Promise<void> {
    const { clock, observer } = this.#options;
    const { id } = lane.version;
    const beganAt = clock.now();
    lane.beginStart();
    try {
      const { sandbox, via } = await this.#startLoaded(lane);
      lane.endStart(sandbox, via);
      observer.sandboxStarted?.({ id: sandbox.id, version: id, via, ms: clock.now() - beganAt });
    } catch (error) {
      lane.failStart(this.#closing.signal.aborted ? draining() : error);
      observer.startFailed?.({ version: id, reason: (error as Error).message });
    }
    this.#feed();
  }

  /** A sandbox from the source; takes care of its end. */
  async #startLoaded(lane: VersionLane): Promise<StartedSandbox> {
    this.#machines += 1;
    let started: StartedSandbox;
    try {
      started = await this.#options.source.start(lane.version, this.#closing.signal);
    } catch (error) {
      this.#machines -= 1;
      throw error;
    }
    const { sandbox } = started;
    this.#entries.set(sandbox, lane.version.id);
    this.#background(this.#bury(sandbox, lane));
    // Whoever closed the room meanwhile did not see this one.
    if (this.#closing.signal.aborted) {
      this.#end(sandbox);
      throw draining();
    }
    return started;
  }

  async #bury(sandbox: Sandbox, lane: VersionLane): Promise<void> {
    const { reason } = await sandbox.ended;
    lane.loseSandbox(sandbox);
    this.#ending += 1;
    await sandbox.close();
    this.#ending -= 1;
    this.#machines -= 1;
    this.#entries.delete(sandbox);
    this.#options.observer.sandboxClosed?.({ id: sandbox.id, version: lane.version.id, reason });
    this.#feed();
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

function draining(): CloudletError {
  return new CloudletError('draining', 'the cloudlet is shutting down');
}
