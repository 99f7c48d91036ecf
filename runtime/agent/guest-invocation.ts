import { performance } from 'node:perf_hooks';
import {
  type ByteSink,
  type ByteSource,
  emptySource,
  type FileTree,
  GuestExit,
  GuestTrap,
  type HttpHead,
  type LogLevel,
  type Wasi,
} from '../wasi/index.ts';
import { threadCpuMs } from './cpu-limit.ts';
import { CreditedSink } from './credited-sink.ts';
import { CreditedSource } from './credited-source.ts';
import type { FuelGauge } from './fuel.ts';
import { type Success, serveCall, serveHttp, serveRun } from './guest-doors.ts';
import { describeTrap, GuestFailure, interruptedFailure } from './guest-failure.ts';
import { GuestLogs } from './guest-log.ts';
import { GuestUse, WorkerUse } from './guest-use.ts';
import type { Instance, Instances } from './instances.ts';
import { InvocationBackend, type InvocationStreams } from './invocation-backend.ts';
import { type AskIds, InvocationAsks } from './outside/invocation-asks.ts';
import { type DoneMessage, type Interrupt, type InvokeMessage, type LoadMessage, WINDOW_BYTES } from './wire.ts';
import type { FromInvocation, Invoked, ToInvocation } from './worker-message.ts';

/**
 * One invocation in a worker: an instance that is as new, with its own WASI, alive until its end is told. It gives its guest's streams itself, and its steps
 * follow each other by calls: to make an object and a promise for each of them takes as long as a small guest.
 */
export class GuestInvocation implements InvocationStreams {
  readonly id: number;
  readonly use: GuestUse;
  readonly outside: InvocationAsks;
  readonly #message: InvokeMessage;
  readonly #load: LoadMessage;
  readonly #instances: Instances;
  readonly #input: CreditedSource;
  readonly #output: CreditedSink;
  /** Made when it is needed: most invocations log nothing. */
  #logs: GuestLogs | null = null;
  readonly #fuel: FuelGauge;
  /** Hears of its end: set while it runs. */
  #told: ((done: DoneMessage) => void) | null = null;
  /** Why it ends early. */
  #failure: GuestFailure | null = null;
  readonly #workerUse: WorkerUse;
  #cpuBefore = 0;
  #files: FileTree | null = null;
  readonly #post: (message: FromInvocation) => void;
  #wasi: Wasi | null = null;
  #ended = false;
  #instance: Instance | null = null;
  #hasReturned = false;
  /** What its instance died of. */
  #death: string | null = null;

  constructor(
    { id, message }: Invoked,
    load: LoadMessage,
    instances: Instances,
    fuel: FuelGauge,
    askIds: AskIds,
    workerUse: WorkerUse,
    post: (message: FromInvocation) => void,
  ) {
    this.id = id;
    this.#message = message;
    this.#load = load;
    this.#instances = instances;
    this.#post = post;
    this.#fuel = fuel;
    this.#workerUse = workerUse;
    // A rehearsal tells all that it uses, which nobody asked for, and nothing of it counts as told: clones tell it again.
    this.use = new GuestUse(message.rehearsal === true ? new WorkerUse(workerUse.recorded) : workerUse);
    this.#input = new CreditedSource(WINDOW_BYTES, (bytes) => post({ kind: 'credit', id, bytes }), message.input);
    this.#output = new CreditedSink(WINDOW_BYTES, (bytes) => post({ kind: 'body', id, bytes }));
    this.outside = new InvocationAsks(id, askIds, post);
  }

  /** Takes what comes for this invocation while it runs. */
  take(message: ToInvocation): void {
    switch (message.kind) {
      case 'body':
        this.#input.push(message.bytes);
        break;
      case 'end':
        this.#input.end();
        break;
      case 'credit':
        this.#output.credit(message.bytes);
        break;
      case 'interrupt':
        this.#interrupt(message.why);
        break;
      case 'answer':
      case 'finish':
      case 'forget':
        break; // Of something that was asked: see below.
      default:
        message satisfies never;
    }
  }

  /** Takes what comes for something that it asked of its host. */
  takeAsked(id: number, message: ToInvocation): void {
    this.outside.take(id, message);
  }

  /** Whether its end was asked for. */
  get wasInterrupted(): boolean {
    return this.#fuel.why !== null;
  }

  /** Gives its instance back when the guest has returned, and so can do nothing more: only such a one may serve again. */
  leave(): void {
    if (this.#instance === null) return;
    if (this.#hasReturned) this.#instances.giveBack(this.#instance);
    else this.#instances.giveUp(this.#instance, this.#death);
  }

  /** Runs to the end, whatever that is. `told` hears of it, once and not before this has returned. */
  run(told: (done: DoneMessage) => void): void {
    this.#told = told;
    if (this.#workerUse.recorded) this.#cpuBefore = threadCpuMs();
    let served: Promise<Success>;
    try {
      served = this.#serve();
    } catch (thrown) {
      served = Promise.reject(thrown);
    }
    served.then(
      (success) => this.#succeed(success),
      (thrown: unknown) => this.#fail(thrown),
    );
    if (this.#failure !== null) this.#end(this.#failure);
  }

  get stdin(): ByteSource {
    return this.#isCommand ? this.#input : emptySource;
  }

  output(stream: 'stdout' | 'stderr'): ByteSink {
    return this.#onTheWay(this.#isCommand && stream === 'stdout' ? this.#output : this.#logged.of(stream));
  }

  log(level: LogLevel, context: string, message: string): void {
    this.#logged.take(level, context, message);
  }

  passed(bytes: number): void {
    this.#instance!.lift.passed(bytes);
  }

  files(): FileTree {
    this.#files ??= this.#instances.files(this.#fuel.checkpoint);
    return this.#files;
  }

  #serve(): Promise<Success> {
    const taken = this.#instances.take(this.#message);
    // What is there is used at once: to wait for it is a turn of the microtask queue.
    return taken instanceof Promise ? taken.then((instance) => this.#begin(instance)) : this.#begin(taken);
  }

  #begin(instance: Instance): Promise<Success> {
    if (this.#ended) {
      // While it was made. Nobody would close what the guest waits for.
      this.#instances.giveBack(instance);
      throw new GuestFailure('client-closed', 'the invocation had ended before it began');
    }
    const backend = new InvocationBackend(this.#load, this.#message, this);
    const died = (reason: string) => this.#end(new GuestFailure('guest-trapped', reason));
    this.#wasi = instance.begin(backend, this.#fuel, died);
    this.#instance = instance;
    const exports = instance.exports();
    return exports instanceof Promise ? exports.then((made) => this.#enter(made)) : this.#enter(exports);
  }

  #enter(exports: unknown): Promise<Success> {
    const load = this.#load;
    const request = this.#message;
    switch (request.door) {
      case 'start':
        return Promise.resolve({ exitCode: 0 });
      case 'call':
        return serveCall(exports, load, request.target, this.#input, this.#output);
      case 'run':
        return serveRun(exports, load, this.#wasi!);
      case 'http':
        return serveHttp(exports, load, request, this.#wasi!, this.#input, (head) => this.#respond(head));
      default:
        return request satisfies never;
    }
  }

  #respond({ status, headers }: HttpHead): ByteSink {
    this.#post({ kind: 'head', id: this.id, head: { status, headers } });
    return this.#onTheWay(this.#output);
  }

  #interrupt(why: Interrupt): void {
    this.#fuel.interrupt(why);
    this.#end(interruptedFailure(why, this.#message.deadlineMs, this.#load.cpuMs));
  }

  /** Not within the call of who asks for it, which may be the guest's. */
  #end(failure: GuestFailure): void {
    this.#failure ??= failure;
    if (this.#told !== null) queueMicrotask(() => this.#fail(failure));
  }

  #succeed(success: Success): void {
    if (this.#ended) return;
    this.#hasReturned = this.#fuel.why === null;
    this.#close();
    this.#tell(success);
  }

  #fail(thrown: unknown): void {
    if (this.#ended) return;
    const outcome = this.#outcomeOf(thrown);
    this.#close();
    this.#tell(outcome);
  }

  #close(): void {
    this.#ended = true;
    this.#fuel.end();
    this.#wasi?.close();
    this.outside.close();
    this.#output.abandon();
    this.#input.close();
    this.#logs?.finish();
  }

  #tell(outcome: Success | GuestFailure): void {
    const isFailure = outcome instanceof GuestFailure;
    const lacks = isFailure || outcome.exitCode === 0 ? null : this.#lacksMemory();
    if (lacks !== null) this.#logged.say(`it ended with status ${(outcome as Success).exitCode}${lacks}`);
    const runMs = performance.now() - this.#fuel.beganAt;
    const cpuMs = this.#workerUse.recorded ? threadCpuMs() - this.#cpuBefore : null;
    const use = this.use.message(this.#files?.usedBytes ?? 0, this.#instance?.memoryBytes ?? 0, cpuMs);
    if (isFailure) {
      const { code, message: detail } = outcome;
      this.#told!({ kind: 'failed', code, detail, runMs, use, missing: this.use.missing });
      return;
    }
    const { exitCode, trailers } = outcome;
    const missing = exitCode === 0 ? undefined : this.use.missing;
    this.#told!({ kind: 'ok', exitCode, trailers, runMs, use, missing });
  }

  #outcomeOf(thrown: unknown): Success | GuestFailure {
    if (this.#fuel.why !== null) return interruptedFailure(this.#fuel.why, this.#message.deadlineMs, this.#load.cpuMs);
    if (thrown instanceof GuestExit) {
      this.#death = `the function exited with status ${thrown.exitCode}`;
      return { exitCode: thrown.exitCode };
    }
    if (thrown instanceof GuestFailure) return thrown;
    const limit = thrown instanceof GuestTrap ? thrown.limit : null;
    this.#death = describeTrap(thrown);
    if (limit !== null) return new GuestFailure('limit-exceeded', (thrown as GuestTrap).message);
    return new GuestFailure('guest-trapped', `${this.#death}${this.#lacksMemory() ?? ''}`);
  }

  /** What a guest that failed may have failed for, or null: most programs only say that something went wrong. */
  #lacksMemory(): string | null {
    if (this.#instance?.memoryRefused !== true) return null;
    return `; it had asked for more memory than its limit, ${this.#load.memoryMib} MiB: raise "memoryMib", and the host's (--policy) if that is less`;
  }

  get #isCommand(): boolean {
    return this.#message.door === 'run';
  }

  #onTheWay(sink: ByteSink): ByteSink {
    return this.#instance!.lift.onTheWay(sink);
  }

  get #logged(): GuestLogs {
    this.#logs ??= new GuestLogs((log) => this.#post({ kind: 'log', id: this.id, log }));
    return this.#logs;
  }
}
