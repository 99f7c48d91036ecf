import { asCloudletError, CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { Clock } from './clock.ts';
import type { LoadedVersion } from './loaded-version.ts';
import type { Rung, StartRung } from './rung.ts';
import type { Sandbox } from './sandbox.ts';

/** A place in a sandbox, for one invocation. */
export interface Place {
  readonly sandbox: Sandbox;
  readonly timing: PlaceTiming;
  /** Gives the place back. Once. */
  readonly leave: () => void;
}

/** How long an invocation waited for its place, milliseconds. */
export interface PlaceTiming {
  /** Waiting for other invocations or for a machine. */
  readonly queueMs: number;
  /** Waiting for a sandbox to start; 0 when one was loaded. */
  readonly startMs: number;
  readonly start: Rung;
}

/** What a lane is limited by and whom it tells. */
export interface LaneOptions {
  readonly clock: Clock;
  /** Invocations that may wait. */
  readonly queueLength: number;
  /** How long one may wait, milliseconds. */
  readonly queueMs: number;
  /** Somebody waits and there is neither a sandbox nor one being started. */
  readonly needSandbox: () => void;
  /** The last invocation left and nobody waits. */
  readonly idle: () => void;
}

/** When the caller of a full lane may come again, seconds: about as long as a short invocation takes. */
const RETRY_AFTER_S = 1;

interface Waiter {
  readonly since: number;
  /** Sandboxes that had been started when it came: one more when it gets its place means that it waited for that one. */
  readonly starts: number;
  readonly settle: PromiseWithResolvers<Place>;
  readonly forget: () => void;
}

/** One version's sandbox and the invocations that wait for a place in it. */
export class VersionLane {
  readonly version: LoadedVersion;
  /** When the last invocation came or left, by the clock. */
  lastUsedAt: number;
  readonly #options: LaneOptions;
  #sandbox: Sandbox | null = null;
  #starting = false;
  #startedVia: StartRung = 'boot';
  #starts = 0;
  #startBeganAt = 0;
  #startEndedAt = 0;
  #failure: CloudletError | null = null;
  #retired = false;
  #taken = 0;
  #waiters: Waiter[] = [];

  constructor(version: LoadedVersion, options: LaneOptions) {
    this.version = version;
    this.#options = options;
    this.lastUsedAt = options.clock.now();
  }

  get sandbox(): Sandbox | null {
    return this.#sandbox;
  }

  get starting(): boolean {
    return this.#starting;
  }

  /** Why the last start failed, until one succeeds. */
  get failure(): CloudletError | null {
    return this.#failure;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  /** Whether its sandbox, if it has one, serves nobody. */
  get isIdle(): boolean {
    return this.#taken === 0 && this.#waiters.length === 0 && !this.#starting;
  }

  /** Whether the version was let go. */
  get retired(): boolean {
    return this.#retired;
  }

  /** Takes nothing more and sends away who waits. */
  retire(): void {
    this.#retired = true;
    this.rejectWaiting(removed());
  }

  /** A place in the sandbox, now or when there is one; `at-capacity` when too many wait or it takes too long. */
  enter(signal?: AbortSignal): Promise<Place> {
    const { clock, queueLength, queueMs } = this.#options;
    if (signal?.aborted === true) return Promise.reject(gone());
    if (this.#retired) return Promise.reject(removed());
    this.lastUsedAt = clock.now();
    if (this.#waiters.length >= queueLength) {
      return Promise.reject(
        atCapacity(`${this.#waiters.length} invocations of this function wait already, which is the limit; try again`),
      );
    }
    const settle = Promise.withResolvers<Place>();
    const drop = (error: CloudletError) => {
      this.#waiters = this.#waiters.filter((each) => each !== waiter);
      waiter.forget();
      settle.reject(error);
    };
    const stop = clock.after(queueMs, () => drop(atCapacity(`no sandbox was free within ${queueMs} ms; try again`)));
    const left = () => drop(gone());
    signal?.addEventListener('abort', left, { once: true });
    const waiter: Waiter = {
      since: clock.now(),
      starts: this.#starts,
      settle,
      forget: () => {
        stop();
        signal?.removeEventListener('abort', left);
      },
    };
    this.#waiters.push(waiter);
    this.#serve();
    if (this.#sandbox === null && !this.#starting) this.#options.needSandbox();
    return settle.promise;
  }

  /** A sandbox is being started for this lane. */
  beginStart(): void {
    this.#starting = true;
    this.#startBeganAt = this.#options.clock.now();
  }

  /** The sandbox is loaded: those who wait go in. */
  endStart(sandbox: Sandbox, via: StartRung): void {
    this.#starting = false;
    this.#failure = null;
    this.#sandbox = sandbox;
    this.#starts += 1;
    this.#taken = 0;
    this.#startedVia = via;
    this.#startEndedAt = this.#options.clock.now();
    this.#serve();
    if (this.isIdle) this.#options.idle();
  }

  /** No sandbox could be had: those who wait are told. */
  failStart(error: unknown): void {
    this.#starting = false;
    this.#failure = asCloudletError(error, 'machine-failed');
    this.rejectWaiting(this.#failure);
  }

  /** A sandbox is gone. If it was this lane's, whoever waits needs another. */
  loseSandbox(sandbox: Sandbox): void {
    if (sandbox !== this.#sandbox) return;
    this.#sandbox = null;
    this.#taken = 0;
    if (this.#waiters.length > 0 && !this.#starting) this.#options.needSandbox();
  }

  /** Sends everyone away who waits. */
  rejectWaiting(error: CloudletError): void {
    for (const waiter of this.#waiters.splice(0)) {
      waiter.forget();
      waiter.settle.reject(error);
    }
  }

  #serve(): void {
    const sandbox = this.#sandbox;
    if (sandbox === null || sandbox.state !== 'ready') return;
    const places = Math.min(this.version.grant.limits.concurrency, sandbox.workers);
    while (this.#taken < places) {
      const waiter = this.#waiters.shift();
      if (waiter === undefined) return;
      waiter.forget();
      this.#taken += 1;
      waiter.settle.resolve({ sandbox, timing: this.#timing(waiter), leave: () => this.#leave(sandbox) });
    }
  }

  #timing(waiter: Waiter): PlaceTiming {
    const waitedMs = this.#options.clock.now() - waiter.since;
    if (waiter.starts === this.#starts) return { queueMs: waitedMs, startMs: 0, start: 'idle' };
    const startMs = Math.max(0, this.#startEndedAt - Math.max(waiter.since, this.#startBeganAt));
    return { queueMs: Math.max(0, waitedMs - startMs), startMs, start: this.#startedVia };
  }

  #leave(sandbox: Sandbox): void {
    this.lastUsedAt = this.#options.clock.now();
    // A place in a former sandbox went with it.
    if (sandbox !== this.#sandbox) return;
    this.#taken -= 1;
    this.#serve();
    if (this.isIdle) this.#options.idle();
  }
}

function atCapacity(message: string): CloudletError {
  return new CloudletError('at-capacity', message, { retryAfterS: RETRY_AFTER_S });
}

function removed(): CloudletError {
  return new CloudletError('version-unknown', 'this version of the function was removed');
}

function gone(): CloudletError {
  return new CloudletError('client-closed', 'the caller left before the invocation began');
}
