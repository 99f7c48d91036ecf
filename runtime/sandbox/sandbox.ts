import { CloudletError, type ErrorCode, type Grant } from '../../guest-sdk/protocol/index.ts';
import type { InvokeRequest, ReuseLimits } from '../agent/wire.ts';
import { givenTexts, type SecretValues } from '../grant/index.ts';
import type { Machine } from '../machine/machine.ts';
import type { CallOptions } from './call-options.ts';
import type { Call, CallInput } from './channel/call.ts';
import type { Channel } from './channel/channel.ts';
import { callerLeft } from './channel/guest-failure.ts';
import { claimantOf } from './claimant.ts';
import { type Clock, systemClock } from './clock.ts';
import { Deadlines } from './deadlines.ts';
import { FirstWord } from './first-word.ts';
import { loadMessage, loadMs, type SandboxContent } from './load-message.ts';
import { describeExit, describeTail, withTail } from './machine-end.ts';
import { machineTime } from './machine-time.ts';
import { EXIT_MS, PAUSE_MS, PREPARE_MS } from './sandbox-times.ts';
import { moveState, type SandboxState } from './state.ts';

/** `microvm` is a QEMU machine, `process` the same agent as a child process without isolation. */
export type SandboxKind = 'microvm' | 'process';

/** How a sandbox ended: `reason` is a sentence when it was not asked to, with the end of what its machine said. */
export interface SandboxEnd {
  readonly reason: string | null;
}

/** One function version loaded in one machine. It owns the machine. */
export class Sandbox {
  readonly id: string;
  readonly kind: SandboxKind;
  readonly pid: number;
  readonly startedAt: Date;
  /** Threads of the agent that run guests. */
  readonly workers: number;
  /** Threads of guest code that its machine is worth running at once. */
  readonly processors: number;
  /** Resolves when the sandbox is poisoned or closed: then it serves nothing more. */
  readonly ended: Promise<SandboxEnd>;
  /** Resolves when it has lost so many workers that another should take its place: its machine ends with those that it loses from then on. */
  readonly worn: Promise<void>;
  /** Whether its agent lives. */
  readonly firstWord: FirstWord;

  readonly #machine: Machine;
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #machineTime: Clock;
  readonly #deadlines: Deadlines;
  readonly #ended = Promise.withResolvers<SandboxEnd>();
  #state: SandboxState = 'starting';
  #atOnce = 1;
  #running = 0;
  #served = 0;
  #pausing: Promise<void> = Promise.resolve();
  /** Poisoned for a reason, and not only about to be; and why, in either case. */
  #isOver = false;
  #why = '';

  /** Takes over a machine whose agent said `ready`; see `startSandbox`. */
  constructor(parts: { kind: SandboxKind; machine: Machine; channel: Channel; workers: number; clock?: Clock }) {
    this.id = parts.machine.id;
    this.kind = parts.kind;
    this.pid = parts.machine.pid;
    this.startedAt = new Date();
    this.workers = parts.workers;
    this.processors = parts.machine.processors;
    this.ended = this.#ended.promise;
    this.worn = parts.channel.worn;
    this.#machine = parts.machine;
    this.#channel = parts.channel;
    this.#clock = parts.clock ?? systemClock;
    this.#machineTime = machineTime(this.#machine, this.#clock);
    this.#deadlines = new Deadlines(this.#clock, this.#machineTime, (reason) => this.#poison(reason));
    const [ping, silent] = [() => this.ping(), (reason: string) => this.#poison(reason)];
    this.firstWord = new FirstWord({ clock: this.#machineTime, ping, silent });
    this.#channel.whenEnded = (reason) => this.#mourn(reason);
    void this.#channel.lost.then((loss) => this.#poison(loss.message));
    void this.#machine.exited.then((exit) => this.#poison(`the machine ${describeExit(exit)}`));
  }

  get state(): SandboxState {
    return this.#state;
  }

  /** Invocations that occupy a worker, among them those whose caller was already answered. */
  get running(): number {
    return this.#running;
  }

  /** Invocations that were started in it. */
  get served(): number {
    return this.#served;
  }

  /** Loads the one thing this sandbox will run. `machine-failed` when the agent cannot take it; the sandbox is then poisoned. */
  async load(content: SandboxContent, signal?: AbortSignal): Promise<void> {
    const { message, parts, late } = loadMessage(content);
    const mostMs = loadMs(parts);
    const abort = () => void this.close();
    signal?.throwIfAborted();
    signal?.addEventListener('abort', abort, { once: true });
    const stop = this.#machineTime.after(mostMs, () =>
      this.#poison(`the agent did not load the component within ${mostMs} ms`),
    );
    try {
      this.#atOnce = message.reuse?.atOnce ?? 1;
      const claimed = this.#machine.claimFor(claimantOf(content.program));
      const [loaded] = await Promise.all([this.#channel.load(message, parts, late), claimed]);
      if (loaded.error !== undefined) {
        this.#poison(`the component could not be loaded: ${loaded.error}`);
        throw new CloudletError('machine-failed', `the component could not be loaded: ${loaded.error}`);
      }
      this.firstWord.settle(true);
      if (this.#state === 'starting') this.#state = moveState(this.#state, 'ready');
    } finally {
      stop();
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Gets ready for a snapshot; see `Channel.prepare`. */
  prepare(): Promise<void> {
    const prepared = this.#channel.prepare();
    const stop = this.#machineTime.after(PREPARE_MS, () =>
      this.#poison(`the agent was not ready for a snapshot within ${PREPARE_MS} ms`),
    );
    return prepared.finally(stop);
  }

  /** Its machine came with what it runs: gives that what no snapshot may hold, and it is ready. `machine-failed` when it has ended by now. */
  adopt(grant: Grant, secrets: SecretValues = {}, reuse: ReuseLimits | null = null): void {
    if (this.#state !== 'starting') throw this.#unusable();
    this.#atOnce = reuse?.atOnce ?? 1;
    this.#channel.adopt(this.#atOnce);
    this.grant(grant, secrets);
    this.#state = moveState(this.#state, 'ready');
  }

  /** What the invocations that follow are given, rehearsals excepted: they never see a secret. */
  grant(grant: Pick<Grant, 'environment' | 'arguments' | 'configuration'>, secrets: SecretValues = {}): void {
    this.#channel.grant(givenTexts(grant, secrets));
  }

  /** Lets up to `workers` of its workers run. Gives how many invocations it takes at once: more than those where they share instances. */
  allow(workers: number): number {
    this.#channel.allow(workers);
    return Math.min(workers, this.workers) * this.#atOnce;
  }

  /** Invocations that it takes at once while they are so short that some wait for others in it; 0 when they are not. */
  get placesAhead(): number {
    return this.#channel.placesAhead;
  }

  /** Starts an invocation. The caller sees to it that there are never more than it takes. */
  invoke(request: InvokeRequest, input: CallInput, options: CallOptions): Call {
    if (this.#state !== 'ready') throw this.#unusable();
    if (options.signal?.aborted === true) throw callerLeft();
    const asked = options.rehearsal === true ? { ...request, rehearsal: true as const } : request;
    const call = this.#channel.invoke(asked, input, options.deadlineMs, options.log, options.outside);
    call.answerBytes = options.answerBytes ?? call.answerBytes;
    call.use = options.use ?? null;
    this.firstWord.watch(call);
    this.#running += 1;
    if (options.rehearsal !== true) this.#served += 1;
    const left = () => call.fail(callerLeft());
    options.signal?.addEventListener('abort', left, { once: true });
    this.#deadlines.begin(call);
    call.whenConfirmed(() => {
      this.#deadlines.end(call);
      options.signal?.removeEventListener('abort', left);
      this.#running -= 1;
      if (call.turnedAway) this.#served -= 1;
    });
    return call;
  }

  /** Resolves when the agent's serving thread has answered; rejects when there is none. */
  ping(): Promise<void> {
    return this.#channel.ping();
  }

  /** Stops its processors while nothing runs in it. A machine that cannot be stopped poisons the sandbox. */
  async pause(): Promise<void> {
    if (this.#running > 0) throw new Error('a sandbox cannot be paused while an invocation runs in it');
    this.#state = moveState(this.#state, 'paused');
    const stop = this.#machineTime.after(PAUSE_MS, () =>
      this.#poison(`the machine was not paused within ${PAUSE_MS} ms`),
    );
    this.#pausing = this.#machine
      .pause()
      .catch((error: Error) => this.#poison(`the machine could not be paused: ${error.message}`))
      .finally(stop);
    await this.#pausing;
  }

  /** Lets a paused sandbox serve again; `machine-failed` when it cannot any more. */
  async resume(): Promise<void> {
    await this.#pausing;
    try {
      await this.#machine.resume();
    } catch (error) {
      this.#poison(`the machine could not be resumed: ${(error as Error).message}`);
    }
    if (this.#state !== 'paused') throw this.#unusable();
    this.#state = moveState(this.#state, 'ready');
  }

  /** What its threads needed of processors so far, nanoseconds; null when that is not known. */
  processorNeedNs(): number | null {
    return this.#machine.processorNeedNs();
  }

  /** For how long others held it up so far, nanoseconds; null when that is not known. */
  processorQueueNs(): number | null {
    return this.#machine.processorQueueNs();
  }

  /**
   * Memory that would be free without it, bytes; rejects when its machine is gone. One that has more than its guests may make it take is
   * poisoned: whatever it holds, the others' share is not for it.
   */
  async privateBytes(): Promise<number> {
    const bytes = await this.#machine.privateBytes();
    const { mostPrivateBytes = Number.POSITIVE_INFINITY } = this.#machine;
    if (bytes > mostPrivateBytes) {
      const [has, may] = [bytes, mostPrivateBytes].map((each) => Math.round(each / 2 ** 20));
      this.#poison(`the sandbox had ${has} MiB of memory of its own, and may have ${may}`, 'memory-exceeded');
    }
    return bytes;
  }

  /** Ends the machine. Idempotent; resolves when its process is gone. */
  async close(): Promise<void> {
    if (this.#state !== 'poisoned' && this.#state !== 'closed') {
      this.#state = moveState(this.#state, 'closed');
      this.#ended.resolve({ reason: null });
    }
    this.#channel.close('the sandbox was closed');
    this.#deadlines.close();
    await this.#machine.close();
  }

  /** Its agent is gone: it serves nothing more, and is poisoned as soon as its machine has said how it ended, or does not end. */
  #mourn(reason: string): void {
    if (this.#state === 'poisoned' || this.#state === 'closed') return;
    this.#state = moveState(this.#state, 'poisoned');
    this.#why = `: ${reason}`;
    const stop = this.#clock.after(EXIT_MS, () =>
      this.#poison(`${reason}, and its machine runs${describeTail(this.#machine.said())}`),
    );
    void this.#ended.promise.then(stop);
  }

  #unusable(): CloudletError {
    return new CloudletError('machine-failed', `the sandbox is ${this.#state}${this.#why}`);
  }

  #poison(reason: string, code: ErrorCode = 'machine-failed'): void {
    if (this.#isOver || this.#state === 'closed') return;
    this.#isOver = true;
    this.#why = `: ${reason}`;
    this.firstWord.settle(false);
    if (this.#state !== 'poisoned') this.#state = moveState(this.#state, 'poisoned');
    this.#channel.close(reason, code);
    this.#deadlines.close();
    this.#ended.resolve({ reason: withTail(reason, this.#machine.said()) });
    void this.#machine.close().then(() => {
      if (this.#state === 'poisoned') this.#state = moveState(this.#state, 'closed');
    });
  }
}
