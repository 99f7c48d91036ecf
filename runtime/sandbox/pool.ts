import { randomUUID } from 'node:crypto';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { HeadMessage, InvokeRequest } from '../agent/wire.ts';
import type { Call, CallInput } from './call.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Invocation, InvocationEnd } from './invocation.ts';
import type { LoadedVersion } from './loaded-version.ts';
import { MachineRoom, type RoomEntry } from './machine-room.ts';
import type { PoolObserver } from './pool-observer.ts';
import { ReplayableInput } from './replayable-input.ts';
import type { SandboxSource } from './sandbox-source.ts';
import type { Place } from './version-lane.ts';

/** How a pool is made. Units in the names. */
export interface PoolOptions {
  readonly source: Pick<SandboxSource, 'start' | 'prepare' | 'forget'>;
  /** Machines at once. */
  readonly machines: number;
  /** Invocations of one version that may wait for a place. */
  readonly queueLength?: number;
  /** How long one may wait, milliseconds. */
  readonly queueMs?: number;
  /** After how long without an invocation a sandbox is closed, milliseconds. */
  readonly idleMs?: number;
  readonly clock?: Clock;
  readonly observer?: PoolObserver;
}

/** Limits of one invocation. */
export interface PoolInvokeOptions {
  /** Names the invocation in the log; default: made up. */
  readonly id?: string;
  /** Wall time in the sandbox, milliseconds, over both attempts when there are two; waiting for a place is not counted. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** Under emulation on a busy computer a first call waits for the base image and a boot: that may take a minute, and is no reason to send it away. */
const DEFAULTS = { queueLength: 64, queueMs: 120_000, idleMs: 600_000 };

/** All sandboxes of a cloudlet: at most one for each version, started when needed, kept warm, closed when idle, replaced when lost. */
export class SandboxPool {
  readonly #observer: PoolObserver;
  readonly #clock: Clock;
  readonly #room: MachineRoom;

  constructor(options: PoolOptions) {
    this.#observer = options.observer ?? {};
    this.#clock = options.clock ?? systemClock;
    this.#room = new MachineRoom({
      source: options.source,
      machines: options.machines,
      idleMs: options.idleMs ?? DEFAULTS.idleMs,
      queueLength: options.queueLength ?? DEFAULTS.queueLength,
      queueMs: options.queueMs ?? DEFAULTS.queueMs,
      clock: this.#clock,
      observer: this.#observer,
    });
  }

  /**
   * Runs one invocation. Resolves when its answer begins: at the http head, at the first output, or at a good end without either.
   * Rejects with a `CloudletError` when it fails before. When its sandbox is lost before the answer began, through no fault of
   * its own, it is tried once more in another, provided that its input can still be had.
   */
  async invoke(
    version: LoadedVersion,
    request: InvokeRequest,
    input: CallInput,
    options: PoolInvokeOptions,
  ): Promise<Invocation> {
    const id = options.id ?? randomUUID();
    const replay = new ReplayableInput(input);
    try {
      const lane = this.#room.lane(version);
      let leftMs = options.deadlineMs;
      for (let attempt = 1; ; attempt += 1) {
        const place = await lane.enter(options.signal);
        const beganAt = this.#clock.now();
        let call: Call | null = null;
        try {
          call = this.#begin(place, version.id, id, request, replay, { ...options, deadlineMs: leftMs });
          const head = headOf(request, await call.began, call);
          replay.release();
          const done = endOf(call);
          done.catch(() => {});
          return { id, head, output: call.output, done, timing: place.timing };
        } catch (error) {
          if (attempt > 1 || !canRetry(error, call, replay)) throw error;
          leftMs = Math.max(1, Math.ceil(leftMs - (this.#clock.now() - beganAt)));
        }
      }
    } catch (error) {
      replay.discard();
      throw error;
    }
  }

  /** Starts a sandbox for a version before anyone asks, when there is room without closing another. Never rejects; see `state`. */
  prewarm(version: LoadedVersion): Promise<void> {
    return this.#room.prewarm(version);
  }

  /** Lets a version go: takes nothing more for it, sends away who waits, and closes its sandbox when the running have ended. */
  drop(versionId: string): void {
    this.#room.drop(versionId);
  }

  /** What a version's sandbox does: `reason` is the sentence of a failed start. */
  state(versionId: string): { readonly state: 'cold' | 'starting' | 'ready' | 'failed'; readonly reason?: string } {
    const lane = this.#room.find(versionId);
    if (lane?.sandbox != null) return { state: 'ready' };
    if (lane?.starting === true) return { state: 'starting' };
    if (lane?.failure != null) return { state: 'failed', reason: lane.failure.message };
    return { state: 'cold' };
  }

  /** Sandboxes that exist now, each with the id of its version. */
  sandboxes(): RoomEntry[] {
    return this.#room.entries();
  }

  /** Invocations in a sandbox and waiting for one. */
  load(): { readonly running: number; readonly queued: number } {
    const running = this.#room.entries().reduce((sum, { sandbox }) => sum + sandbox.running, 0);
    return { running, queued: this.#room.waiting };
  }

  /** Sends away who waits, ends all sandboxes. Idempotent; resolves when their processes are gone. */
  close(): Promise<void> {
    return this.#room.close();
  }

  #begin(
    place: Place,
    version: string,
    invocation: string,
    request: InvokeRequest,
    replay: ReplayableInput,
    options: PoolInvokeOptions,
  ): Call {
    try {
      const call = place.sandbox.invoke(request, replay.open(), {
        deadlineMs: options.deadlineMs,
        log: (message) => this.#observer.log?.({ ...message, invocation, version }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      void call.confirmed.then(place.leave);
      return call;
    } catch (error) {
      place.leave();
      throw error;
    }
  }
}

/** An http answer without a head cannot be passed on; the agent's rules forbid it. */
function headOf(request: InvokeRequest, head: HeadMessage | null, call: Call): HeadMessage | null {
  if ((request.door === 'http') === (head !== null)) return head;
  const error = new CloudletError('machine-failed', 'the agent gave an answer of another kind than was asked for');
  call.fail(error);
  throw error;
}

async function endOf(call: Call): Promise<InvocationEnd> {
  const { exitCode, trailers, runMs } = await call.done;
  return { exitCode, trailers: trailers ?? [], runMs };
}

/** Whether the failure was the sandbox's and nothing of the invocation has left it. */
function canRetry(error: unknown, call: Call | null, replay: ReplayableInput): boolean {
  return error instanceof CloudletError && error.traits.poisons && call?.answering !== true && replay.intact;
}
