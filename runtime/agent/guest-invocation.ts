import { openSync, readSync } from 'node:fs';
import { instantiateMetered } from '../component/rewrite/metered-instance.ts';
import {
  type ByteSink,
  createWasi,
  DEFAULT_LIMITS,
  emptySource,
  GuestExit,
  type HttpHead,
  systemClock,
  type Wasi,
  type WasiBackend,
} from '../wasi/index.ts';
import type { FuelGauge } from './fuel.ts';
import type { GuestComponent } from './guest-component.ts';
import { serveCall, serveHttp, serveRun } from './guest-doors.ts';
import { describeTrap, GuestFailure, interruptedFailure } from './guest-failure.ts';
import { GuestInput } from './guest-input.ts';
import { GuestLog, LogBudget } from './guest-log.ts';
import { GuestOutput } from './guest-output.ts';
import { LIFT_IMPORT, LiftBudget } from './lift-budget.ts';
import type { DoneMessage, InvokeMessage } from './wire.ts';
import type { FromWorker, Interrupt, ToWorker } from './worker-message.ts';

/** What a good end says. */
type Success = Omit<Extract<DoneMessage, { kind: 'ok' }>, 'kind' | 'runMs'>;

/** One invocation in a worker: a fresh instance with its own WASI, alive until `run` resolves and discarded then. */
export class GuestInvocation {
  readonly id: number;
  readonly #message: InvokeMessage;
  readonly #component: GuestComponent;
  readonly #input: GuestInput;
  readonly #output: GuestOutput;
  readonly #logs: { readonly stdout: GuestLog; readonly stderr: GuestLog };
  readonly #logBudget = new LogBudget();
  readonly #fuel: FuelGauge;
  readonly #lift: LiftBudget;
  readonly #interrupted = Promise.withResolvers<never>();
  readonly #post: (message: FromWorker, transfer?: ArrayBuffer[]) => void;

  constructor(
    { id, message }: Extract<ToWorker, { kind: 'invoke' }>,
    component: GuestComponent,
    fuel: FuelGauge,
    post: (message: FromWorker, transfer?: ArrayBuffer[]) => void,
  ) {
    this.id = id;
    this.#message = message;
    this.#component = component;
    this.#post = post;
    this.#fuel = fuel;
    this.#lift = new LiftBudget(component.message.valueBytes);
    this.#input = new GuestInput(message.input, (bytes) => post({ kind: 'credit', id, bytes }));
    this.#output = new GuestOutput((bytes) => post({ kind: 'body', id, bytes }, [bytes.buffer as ArrayBuffer]));
    const log = (stream: 'stdout' | 'stderr') =>
      new GuestLog(this.#logBudget, (text) => post({ kind: 'log', id, stream, text }));
    this.#logs = { stdout: log('stdout'), stderr: log('stderr') };
    // The race in `run` is not always there to see it.
    this.#interrupted.promise.catch(() => {});
  }

  /** Takes what the serving thread says about this invocation while it runs. */
  take(message: Extract<ToWorker, { kind: 'body' | 'end' | 'credit' | 'interrupt' }>): void {
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
      default:
        message satisfies never;
    }
  }

  /** Runs to the end, whatever that is. Never rejects. */
  async run(): Promise<DoneMessage> {
    const startedAt = performance.now();
    const wasi = createWasi(this.#backend());
    let outcome: Success | GuestFailure;
    try {
      const instantiated = this.#component.instantiate(
        { ...wasi.imports, [LIFT_IMPORT]: this.#lift },
        (module, given) => instantiateMetered(module, given, this.#fuel.checkpoint),
      );
      outcome = await Promise.race([
        instantiated.then((exports) => this.#serve(exports, wasi)),
        this.#interrupted.promise,
      ]);
    } catch (thrown) {
      outcome = this.#outcomeOf(thrown);
    } finally {
      this.#fuel.end();
      wasi.close();
      this.#output.abandon();
      this.#input.close();
    }
    this.#finishLogs();
    const runMs = performance.now() - startedAt;
    if (outcome instanceof GuestFailure) return { kind: 'failed', code: outcome.code, detail: outcome.message, runMs };
    return { kind: 'ok', ...outcome, runMs };
  }

  async #serve(exports: unknown, wasi: Wasi): Promise<Success> {
    const { message } = this.#component;
    const request = this.#message;
    switch (request.door) {
      case 'call':
        await serveCall(exports, message, request.target, this.#input, this.#output);
        return { exitCode: 0 };
      case 'run':
        return { exitCode: await serveRun(exports, message) };
      case 'http':
        return { exitCode: 0, trailers: await serveHttp(exports, message, request, wasi, this.#input, this.#respond) };
      default:
        return request satisfies never;
    }
  }

  readonly #respond = ({ status, headers }: HttpHead): ByteSink => {
    this.#post({ kind: 'head', id: this.id, head: { status, headers } });
    return this.#lift.onTheWay(this.#output);
  };

  #interrupt(why: Interrupt): void {
    this.#fuel.interrupt(why);
    this.#interrupted.reject(interruptedFailure(why, this.#message.deadlineMs));
  }

  #outcomeOf(thrown: unknown): Success | GuestFailure {
    if (this.#fuel.why !== null) return interruptedFailure(this.#fuel.why, this.#message.deadlineMs);
    if (thrown instanceof GuestExit) return { exitCode: thrown.exitCode };
    if (thrown instanceof GuestFailure) return thrown;
    return new GuestFailure('guest-trapped', describeTrap(thrown));
  }

  #finishLogs(): void {
    this.#logs.stdout.finish();
    this.#logs.stderr.finish();
    const dropped = this.#logBudget.droppedBytes;
    if (dropped === 0) return;
    this.#post({
      kind: 'log',
      id: this.id,
      stream: 'stderr',
      text: `… ${dropped} more bytes were written and dropped\n`,
    });
  }

  #backend(): WasiBackend {
    const { message } = this.#component;
    const request = this.#message;
    const command = request.door === 'run';
    return {
      environment: message.environment,
      arguments: [message.program, ...message.arguments, ...(command ? request.arguments : [])],
      stdin: command ? this.#input : emptySource,
      stdout: this.#lift.onTheWay(command ? this.#output : this.#logs.stdout),
      stderr: this.#lift.onTheWay(this.#logs.stderr),
      clock: systemClock,
      random: kernelRandom,
      files: null,
      limits: DEFAULT_LIMITS,
    };
  }
}

let randomDevice: number | null = null;

/** The kernel's generator: unlike the one of OpenSSL, it is seeded anew after a restore from a snapshot. */
function kernelRandom(bytes: Uint8Array): void {
  randomDevice ??= openSync('/dev/urandom', 'r');
  for (let at = 0; at < bytes.length; ) at += readSync(randomDevice, bytes, at, bytes.length - at, null);
}
