import { randomUUID } from 'node:crypto';
import { asCloudletError, type CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { HeadMessage, InvokeRequest } from '../../agent/wire.ts';
import type { OutsideServices } from '../../outside/outside-service.ts';
import type { Call, CallInput } from '../channel/call.ts';
import type { CallOutside } from '../channel/call-asks.ts';
import type { CallUse } from '../channel/call-use.ts';
import type { Clock } from '../clock.ts';
import type { Invocation } from '../invocation.ts';
import type { LeaveSignal } from '../leave-signal.ts';
import type { LoadedVersion } from '../loaded-version.ts';
import type { UseMessage, VersionUse } from '../version-use.ts';
import { MachineRoom, type RoomEntry } from './machine-room.ts';
import type { Place, PlaceTiming } from './place.ts';
import type { PoolObserver } from './pool-observer.ts';
import { completeOptions, type PoolOptions } from './pool-options.ts';
import { refusedHead } from './refused-head.ts';
import { ReplayableInput } from './replayable-input.ts';
import { canRetry, mayRepeat } from './retry.ts';

/** Limits of one invocation. */
export interface PoolInvokeOptions {
  /** Names the invocation in the log; default: made up. */
  readonly id?: string;
  /** Wall time in the sandbox, milliseconds, over both attempts when there are two; waiting for a place is not counted. */
  readonly deadlineMs: number;
  /** The caller says that running it twice does no harm. */
  readonly idempotent?: boolean;
  /** Hears of the place it got, each time when it is tried twice. */
  readonly entered?: (timing: PlaceTiming) => void;
  readonly signal?: LeaveSignal | undefined;
}

/** What a pool does at a moment. */
export interface PoolLoad {
  /** Invocations in a sandbox, and waiting for one. */
  readonly running: number;
  readonly queued: number;
  /** Sandboxes that are paused. */
  readonly paused: number;
  /** Private memory of all sandboxes, bytes. */
  readonly privateBytes: number;
}

/** All sandboxes of a cloudlet: started when needed, paused when unused, closed when idle, replaced when lost. */
export class SandboxPool {
  /** Private memory that its sandboxes may take together, bytes. */
  readonly memoryBytes: number;
  readonly #observer: PoolObserver;
  readonly #clock: Clock;
  readonly #room: MachineRoom;

  constructor(options: PoolOptions) {
    const complete = completeOptions(options);
    this.memoryBytes = complete.memoryBytes;
    this.#observer = complete.observer;
    this.#clock = complete.clock;
    this.#room = new MachineRoom(complete);
  }

  /**
   * Runs one invocation. Resolves when its answer begins: at the http head, at the first output, or at a good end without either.
   * Rejects with a `CloudletError` when it fails before. When its sandbox is lost before the answer began, through no fault of
   * its own, it is tried once more in another, provided that its input can still be had, and that it had not begun or may be
   * repeated; see `mayRepeat`.
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
      let hasBegun = false;
      for (let attempt = 1; ; attempt += 1) {
        const entering = lane.enter(options.signal);
        const place = entering instanceof Promise ? await entering : entering;
        options.entered?.(place.timing);
        if (!hasBegun && request.door !== 'start') version.use?.begun();
        hasBegun = true;
        const beganAt = this.#clock.now();
        let call: Call | null = null;
        try {
          call = this.#begin(place, version, id, request, replay, leftMs, options.signal);
          const head = headOf(request, await call.began, call);
          replay.release();
          return { id, head, output: call.output, done: call.done, timing: place.timing };
        } catch (error) {
          const { intact } = replay;
          const [answering, reachedOutside] = [call?.answering === true, call?.reachedOutside === true];
          const turnedAway = call?.turnedAway === true && intact;
          if (turnedAway) attempt -= 1;
          const progress = { begun: call?.mayHaveBegun === true, answering, reachedOutside, intact };
          const repeatable = mayRepeat(request, options.idempotent === true);
          if (attempt > 1 || !canRetry(error, repeatable, progress)) throw error;
          if (!turnedAway) leftMs = Math.max(1, Math.ceil(leftMs - (this.#clock.now() - beganAt)));
        }
      }
    } catch (error) {
      replay.discard();
      throw error;
    }
  }

  /** Makes an instance of a version and calls nothing of it; room is made as for an invocation. Rejects as `invoke`, when it traps for instance. */
  async tryOut(version: LoadedVersion, signal?: AbortSignal): Promise<void> {
    const { deadlineMs } = version.grant.limits;
    const options = { deadlineMs, ...(signal === undefined ? {} : { signal }) };
    const { done } = await this.invoke(version, { door: 'start' }, new Uint8Array(0), options);
    await done;
  }

  /** Starts a sandbox for a version before anyone asks, when there is room without closing another. Never rejects; see `state`. */
  prewarm(version: LoadedVersion): Promise<void> {
    return this.#room.prewarm(version);
  }

  /** Lets a version go: takes nothing more for it, sends away who waits, saying `why`, and closes its sandboxes when the running have ended. */
  drop(versionId: string, why?: CloudletError): void {
    this.#room.drop(versionId, why);
  }

  /** The secrets of a version may be others: its sandboxes give them to the invocations that follow. */
  grantAnew(versionId: string): void {
    const lane = this.#room.find(versionId);
    for (const { sandbox } of lane?.sandboxes ?? []) sandbox.grant(lane!.version.grant, lane!.version.secrets?.());
  }

  /** What a version's sandbox does: `reason` is the sentence of a failed start. */
  state(versionId: string): { readonly state: 'cold' | 'starting' | 'ready' | 'failed'; readonly reason?: string } {
    const lane = this.#room.find(versionId);
    if (lane !== undefined && lane.sandboxes.length > 0) return { state: 'ready' };
    if (lane !== undefined && lane.starting > 0) return { state: 'starting' };
    if (lane?.failure != null) return { state: 'failed', reason: lane.failure.message };
    return { state: 'cold' };
  }

  /** Sandboxes that exist now, each with the id of its version. */
  sandboxes(): RoomEntry[] {
    return this.#room.entries();
  }

  /** What it does now. */
  load(): PoolLoad {
    const entries = this.#room.entries();
    const sum = (of: (entry: RoomEntry) => number) => entries.reduce((total, entry) => total + of(entry), 0);
    return {
      running: sum(({ sandbox }) => sandbox.running),
      queued: this.#room.waiting,
      paused: sum(({ sandbox }) => (sandbox.state === 'paused' ? 1 : 0)),
      privateBytes: sum(({ privateBytes }) => privateBytes),
    };
  }

  /** Sends away who waits, ends all sandboxes. Idempotent; resolves when their processes are gone. */
  close(): Promise<void> {
    return this.#room.close();
  }

  #begin(
    place: Place,
    version: LoadedVersion,
    invocation: string,
    request: InvokeRequest,
    replay: ReplayableInput,
    deadlineMs: number,
    signal: LeaveSignal | undefined,
  ): Call {
    try {
      const { outside, use, grant } = version;
      const call = place.sandbox.invoke(request, replay.open(), {
        deadlineMs,
        // A typed result has a bound of its own.
        answerBytes: request.door === 'call' ? undefined : grant.limits.answerBytes,
        log: (message) => this.#observer.log?.({ ...message, invocation, version: version.id }),
        outside: outside && new VersionOutside(version, outside, this.#observer),
        use: use && new InvocationUse(use, invocation),
        signal,
      });
      call.whenConfirmed(() => place.leave(call.turnedAway ? null : call.ranMs));
      return call;
    } catch (error) {
      place.leave(0);
      throw error;
    }
  }
}

/** What the guest of one invocation may ask of the host: looked up when it first asks, which most never do. */
class VersionOutside implements CallOutside {
  readonly use: VersionUse | undefined;
  readonly #version: string;
  readonly #lookUp: () => OutsideServices;
  readonly #observer: PoolObserver;
  #services: OutsideServices | null = null;

  constructor({ id, use }: LoadedVersion, lookUp: () => OutsideServices, observer: PoolObserver) {
    this.#version = id;
    this.use = use;
    this.#lookUp = lookUp;
    this.#observer = observer;
  }

  get services(): OutsideServices {
    this.#services ??= this.#lookUp();
    return this.#services;
  }

  failed(service: string, error: unknown): void {
    this.#observer.outsideFailed?.({ version: this.#version, service, reason: asCloudletError(error).message });
  }
}

/** Tells what one invocation used. */
class InvocationUse implements CallUse {
  readonly #use: VersionUse;
  readonly #invocation: string;

  constructor(use: VersionUse, invocation: string) {
    this.#use = use;
    this.#invocation = invocation;
  }

  guest(used: UseMessage): void {
    this.#use.guest(this.#invocation, used);
  }

  missing(paths: readonly string[]): string | null {
    return this.#use.missing(paths);
  }
}

/** The head, unless it is not one of what was asked for. */
function headOf(request: InvokeRequest, head: HeadMessage | null, call: Call): HeadMessage | null {
  const refusal = refusedHead(request, head, call.answerBytes);
  if (refusal === null) return head;
  call.fail(refusal);
  throw refusal;
}
