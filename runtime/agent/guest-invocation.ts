import {
  type ByteSink,
  emptySource,
  type FileTree,
  GuestExit,
  GuestTrap,
  type HttpHead,
  type Wasi,
} from '../wasi/index.ts';
import { threadCpuMs } from './cpu-limit.ts';
import { CreditedSink } from './credited-sink.ts';
import { CreditedSource } from './credited-source.ts';
import type { FuelGauge } from './fuel.ts';
import { serveCall, serveHttp, serveRun } from './guest-doors.ts';
import { describeTrap, GuestFailure, interruptedFailure } from './guest-failure.ts';
import { GuestLog, LogBudget, logEntry } from './guest-log.ts';
import { GuestUse, WorkerUse } from './guest-use.ts';
import type { Instance, Instances } from './instances.ts';
import { InvocationBackend, type InvocationStreams } from './invocation-backend.ts';
import type { LiftBudget } from './lift-budget.ts';
import { type AskIds, InvocationAsks } from './outside/invocation-asks.ts';
import {
  type DoneMessage,
  type Interrupt,
  type InvokeMessage,
  type LoadMessage,
  type UseMessage,
  WINDOW_BYTES,
} from './wire.ts';
import type { FromInvocation, Invoked, ToInvocation } from './worker-message.ts';

/** What a good end says. */
type Success = Pick<Extract<DoneMessage, { kind: 'ok' }>, 'exitCode' | 'trailers'>;

/** One invocation in a worker: an instance that is as new, with its own WASI, alive until `run` resolves. */
export class GuestInvocation {
  readonly id: number;
  readonly #message: InvokeMessage;
  readonly #load: LoadMessage;
  readonly #instances: Instances;
  readonly #input: CreditedSource;
  readonly #output: CreditedSink;
  readonly #asks: InvocationAsks;
  /** Made when they are needed: most invocations log nothing. */
  #logs: GuestLog[] = [];
  #logBudget: LogBudget | null = null;
  readonly #fuel: FuelGauge;
  /** Ends it early: set while it runs. */
  #fail: ((failure: GuestFailure) => void) | null = null;
  /** Why it ended early, when that was before it ran. */
  #failure: GuestFailure | null = null;
  readonly #workerUse: WorkerUse;
  readonly #use: GuestUse;
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
    this.#use = new GuestUse(message.rehearsal === true ? new WorkerUse(workerUse.recorded) : workerUse);
    this.#input = new CreditedSource(WINDOW_BYTES, (bytes) => post({ kind: 'credit', id, bytes }), message.input);
    this.#output = new CreditedSink(WINDOW_BYTES, (bytes) => post({ kind: 'body', id, bytes }));
    this.#asks = new InvocationAsks(id, askIds, post);
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
    this.#asks.take(id, message);
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

  /** Runs to the end, whatever that is. Never rejects. */
  async run(): Promise<DoneMessage> {
    const startedAt = performance.now();
    const cpuBefore = this.#workerUse.recorded ? threadCpuMs() : 0;
    let outcome: Success | GuestFailure;
    try {
      // Not `Promise.race`, which costs as much as a small guest.
      outcome = await new Promise<Success>((resolve, reject) => {
        this.#fail = reject;
        this.#serve().then(resolve, reject);
        if (this.#failure !== null) reject(this.#failure);
      });
    } catch (thrown) {
      outcome = this.#outcomeOf(thrown);
    } finally {
      this.#ended = true;
      this.#fuel.end();
      this.#wasi?.close();
      this.#asks.close();
      this.#output.abandon();
      this.#input.close();
    }
    this.#finishLogs();
    const runMs = performance.now() - startedAt;
    const use = this.#used(cpuBefore);
    if (outcome instanceof GuestFailure) {
      const { code, message: detail } = outcome;
      return { kind: 'failed', code, detail, runMs, use, missing: this.#use.missing };
    }
    const lacks = outcome.exitCode === 0 ? null : this.#lacksMemory();
    if (lacks !== null) this.#say(`it ended with status ${outcome.exitCode}${lacks}`);
    return { kind: 'ok', ...outcome, runMs, use, missing: outcome.exitCode === 0 ? undefined : this.#use.missing };
  }

  #used(cpuBefore: number): UseMessage | undefined {
    const cpuMs = this.#workerUse.recorded ? threadCpuMs() - cpuBefore : null;
    return this.#use.message(this.#files?.usedBytes ?? 0, this.#instance?.memoryBytes ?? 0, cpuMs);
  }

  async #serve(): Promise<Success> {
    const taken = this.#instances.take(this.#message);
    // Each `await` of what is there is a turn of the microtask queue.
    const instance = taken instanceof Promise ? await taken : taken;
    if (this.#ended) {
      // While it was made. Nobody would close what the guest waits for.
      this.#instances.giveBack(instance);
      throw new GuestFailure('client-closed', 'the invocation had ended before it began');
    }
    const backend = new InvocationBackend(this.#load, this.#message, this.#streams(instance.lift));
    const died = (reason: string) => this.#end(new GuestFailure('guest-trapped', reason));
    const wasi = instance.begin(backend, this.#fuel, died);
    this.#wasi = wasi;
    this.#instance = instance;
    const exports = instance.exports();
    const success = await this.#enter(exports instanceof Promise ? await exports : exports, wasi, instance.lift);
    this.#hasReturned = this.#fuel.why === null;
    return success;
  }

  async #enter(exports: unknown, wasi: Wasi, lift: LiftBudget): Promise<Success> {
    const load = this.#load;
    const request = this.#message;
    switch (request.door) {
      case 'start':
        return { exitCode: 0 };
      case 'call':
        await serveCall(exports, load, request.target, this.#input, this.#output);
        return { exitCode: 0 };
      case 'run':
        return { exitCode: await serveRun(exports, load, wasi) };
      case 'http':
        return {
          exitCode: 0,
          trailers: await serveHttp(exports, load, request, wasi, this.#input, (head) => this.#respond(head, lift)),
        };
      default:
        return request satisfies never;
    }
  }

  #respond({ status, headers }: HttpHead, lift: LiftBudget): ByteSink {
    this.#post({ kind: 'head', id: this.id, head: { status, headers } });
    return lift.onTheWay(this.#output);
  }

  #interrupt(why: Interrupt): void {
    this.#fuel.interrupt(why);
    this.#end(interruptedFailure(why, this.#message.deadlineMs, this.#load.cpuMs));
  }

  #end(failure: GuestFailure): void {
    this.#failure ??= failure;
    this.#fail?.(failure);
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

  #finishLogs(): void {
    for (const log of this.#logs) log.finish();
    const dropped = this.#logBudget?.droppedBytes ?? 0;
    if (dropped === 0) return;
    this.#say(`${dropped} more bytes were written and dropped`);
  }

  /** Says something about the guest, behind what it wrote itself. */
  #say(sentence: string): void {
    this.#post({ kind: 'log', id: this.id, log: { stream: 'stderr', text: `… ${sentence}\n` } });
  }

  #budget(): LogBudget {
    this.#logBudget ??= new LogBudget();
    return this.#logBudget;
  }

  #logOf(stream: 'stdout' | 'stderr'): GuestLog {
    const log = new GuestLog(this.#budget(), (text) => this.#post({ kind: 'log', id: this.id, log: { stream, text } }));
    this.#logs.push(log);
    return log;
  }

  #streams(lift: LiftBudget): InvocationStreams {
    const command = this.#message.door === 'run';
    return {
      use: this.#use,
      stdin: command ? this.#input : emptySource,
      output: (stream) => lift.onTheWay(command && stream === 'stdout' ? this.#output : this.#logOf(stream)),
      log: (level, context, message) => {
        const log = logEntry(this.#budget(), level, context, message);
        if (log !== null) this.#post({ kind: 'log', id: this.id, log });
      },
      outside: this.#asks,
      passed: (bytes) => lift.passed(bytes),
      files: () => {
        this.#files ??= this.#instances.files(this.#fuel.checkpoint);
        return this.#files;
      },
    };
  }
}
