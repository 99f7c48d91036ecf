import { asCloudletError, type CloudletError } from '../../../guest-sdk/protocol/index.ts';
import {
  CHUNK_BYTES,
  type DoneMessage,
  type Frame,
  type HeadMessage,
  hasReached,
  type Interrupt,
  type LogMessage,
  type LostMessage,
  ReceiveWindow,
  SendWindow,
  WINDOW_BYTES,
} from '../../agent/wire.ts';
import type { InvocationEnd } from '../invocation.ts';
import { ByteQueue } from './byte-queue.ts';
import { CallAsks, type CallOutside, type HostLine, NO_OUTSIDE } from './call-asks.ts';
import type { CallUse } from './call-use.ts';
import type { FrameWriter } from './frame-writer.ts';
import { answerTooLarge, callerLeft, guestFailure, workerLoss } from './guest-failure.ts';

/** Input of an invocation: all of it, or as it comes. The bytes are not copied: whoever gives them does not change them any more. */
export type CallInput = Uint8Array | AsyncIterable<Uint8Array>;

/** Guest output for the function's log, and what the host adds. */
export type CallLog = (message: LogMessage | HostLine) => void;

/**
 * One invocation as the host sees it: sends the input as credit allows, takes the answer, and knows two ends.
 * The caller's end (`done`) may come first, by a deadline or because the caller left; the agent's (`confirmed`) frees its worker.
 */
export class Call {
  readonly deadlineMs: number;
  /** The http head, or null when output begins or a good end is known without one; rejects when the invocation fails before. */
  readonly began: Promise<HeadMessage | null>;
  /** The answer's body, or a command's stdout, or the encoded result of a typed call. */
  readonly output: ByteQueue;
  readonly done: Promise<InvocationEnd>;
  /** Most bytes of output that it may have: more, and it ends with `result-too-large`. Set before it begins. */
  answerBytes = Number.POSITIVE_INFINITY;
  /** Hears what its guest used; set before it begins. */
  use: CallUse | null = null;
  /** Called when its caller's side ends before its agent's. One for many: of closures of their own for each, the collector of young objects kept what was over. */
  whenGivenUp: ((call: Call) => void) | null = null;
  /** Whether a worker may have begun to run it, and whether it was sent away because none could. */
  mayHaveBegun = true;
  turnedAway = false;

  #id = 0;
  #ranMs = 0;
  readonly #log: CallLog;
  readonly #cancel: (why: Interrupt) => void;
  /** None before it has begun. */
  #writer: FrameWriter | null = null;
  readonly #send = new SendWindow(WINDOW_BYTES);
  readonly #receive = new ReceiveWindow(WINDOW_BYTES);
  readonly #began = Promise.withResolvers<HeadMessage | null>();
  readonly #done = Promise.withResolvers<InvocationEnd>();
  readonly #confirmedBy: (() => void)[] = [];
  #isConfirmed = false;
  readonly #outside: CallOutside;
  /** Made when it is needed: most invocations ask nothing. */
  #asks: CallAsks | null = null;
  #inputOpen = false;
  #inputStopped: () => void = () => {};
  #answering = false;
  #outputBytes = 0;
  #hasSent = false;
  #failed = false;
  #ended = false;

  /** `cancel` is asked to have the agent end it. */
  constructor(deadlineMs: number, log: CallLog, cancel: (why: Interrupt) => void, outside: CallOutside = NO_OUTSIDE) {
    this.deadlineMs = deadlineMs;
    this.#log = log;
    this.#cancel = cancel;
    this.#outside = outside;
    this.began = this.#began.promise;
    this.done = this.#done.promise;
    this.output = new ByteQueue({ taken: (bytes) => this.#taken(bytes), left: () => this.fail(callerLeft()) });
  }

  /** The agent has ended this invocation, or there is no agent any more. */
  get confirmed(): Promise<void> {
    return new Promise((resolve) => this.whenConfirmed(resolve));
  }

  /** Has `listener` called after that; several in their order. One turn for all of them: a promise for each took as long as to write the answer. */
  whenConfirmed(listener: () => void): void {
    if (this.#isConfirmed) void SETTLED.then(listener);
    else this.#confirmedBy.push(listener);
  }

  /** By which its worker knows it: another for each that it is sent to; 0 before. */
  get id(): number {
    return this.#id;
  }

  /** For how long its guest ran, as its worker says, milliseconds; 0 before its end. */
  get ranMs(): number {
    return this.#ranMs;
  }

  /** Whether a head or a byte of output has come: then the invocation cannot be tried again elsewhere. */
  get answering(): boolean {
    return this.#answering;
  }

  /** Whether its caller's side has ended, and its agent's has not. */
  get isGivenUp(): boolean {
    return this.#failed && !this.#ended;
  }

  /** Whether anything was done outside for its guest: then it is not known that running it again does no harm. */
  get reachedOutside(): boolean {
    return this.#asks?.served === true;
  }

  /** Whether all that was sent of it can be sent anew to another worker. */
  get canBeginAgain(): boolean {
    return !this.#hasSent && !this.#failed && !this.#ended;
  }

  /** It has a worker, which knows it by `id` and to whom `writer` writes. */
  begin(id: number, writer: FrameWriter): void {
    this.#id = id;
    this.#writer = writer;
  }

  /** Sends the input as credit and the channel allow. A failing input ends the invocation. */
  async send(input: CallInput): Promise<void> {
    this.#inputOpen = true;
    this.#hasSent = true;
    try {
      if (input instanceof Uint8Array) await this.#sendChunk(input);
      else await this.#sendAll(input);
      if (this.#inputOpen) this.#writer?.raw('end', this.id, EMPTY);
    } catch (error) {
      this.fail(asCloudletError(error, 'client-closed'));
    } finally {
      this.#inputOpen = false;
    }
  }

  /** Ends the caller's side with `error` and asks the agent to end the invocation; `confirmed` says when it did. */
  fail(error: CloudletError): void {
    if (this.#ended || this.#failed) return;
    this.#settleFailed(error);
    this.whenGivenUp?.(this);
    this.#cancel(error.code === 'deadline-exceeded' ? error.code : 'client-closed');
  }

  /** Its deadline has come: asks the agent to end it, which its caller hears from there. */
  expire(): void {
    if (!this.#ended && !this.#failed) this.#cancel('deadline-exceeded');
  }

  takeHead(head: HeadMessage): void {
    if (this.#failed) return;
    this.#answering = true;
    this.#began.resolve(head);
  }

  takeBody(bytes: Uint8Array): void {
    this.#receive.receive(bytes.length);
    this.#outputBytes += bytes.length;
    if (this.#outputBytes > this.answerBytes) this.fail(answerTooLarge(this.answerBytes));
    if (this.#failed) {
      this.#taken(bytes.length);
      return;
    }
    // Once: to resolve a promise again is reported, which costs more than all the rest here.
    if (!this.#answering) this.#began.resolve(null);
    this.#answering = true;
    this.output.push(bytes);
  }

  takeLog(message: LogMessage): void {
    this.#log(message);
  }

  takeCredit(bytes: number): void {
    this.#send.add(bytes);
  }

  /** Takes a frame of something that its guest asks of the host. After the caller's end nothing is done for the guest any more. */
  takeAsked(frame: Frame): void {
    if (this.#writer === null) return;
    this.#asks ??= new CallAsks(this.#outside, this.#writer, (text) => this.#log({ stream: 'host', text }));
    if (this.#failed) this.#asks.close();
    this.#asks.take(frame);
  }

  takeDone(message: DoneMessage): void {
    this.#ended = true;
    this.#ranMs = message.runMs;
    if (message.use !== undefined) this.use?.guest(message.use);
    const lacks = this.use?.missing(message.missing ?? []) ?? null;
    if (message.kind === 'ok') {
      if (lacks !== null) this.#log({ stream: 'host', text: `it ended with status ${message.exitCode}; ${lacks}` });
      if (!this.#answering) this.#began.resolve(null);
      this.#done.resolve({ exitCode: message.exitCode, trailers: message.trailers ?? [], runMs: message.runMs });
      this.output.end();
    } else {
      this.#settleFailed(guestFailure(message.code, message.detail, lacks ?? this.#asks?.denial ?? null));
    }
    this.#settleConfirmed();
  }

  /** Its worker is gone; null when its answer should have come before that, and did not. */
  takeWorkerLoss(lost: LostMessage | null): void {
    this.mayHaveBegun = lost === null || hasReached(lost.begun, this.id);
    this.takeDone({ kind: 'failed', ...workerLoss(lost, this.id, this.deadlineMs), runMs: 0 });
  }

  /** The channel is gone. */
  takeLoss(error: CloudletError): void {
    this.#ended = true;
    this.#settleFailed(error);
    this.#settleConfirmed();
  }

  #settleFailed(error: CloudletError): void {
    this.#failed = true;
    // Whoever only looks at one of the promises must not be ended by the other as an unhandled rejection.
    this.began.catch(() => {});
    this.done.catch(() => {});
    this.#began.reject(error);
    this.#done.reject(error);
    this.output.fail(error);
    this.#stopInput();
    this.#asks?.close();
  }

  #settleConfirmed(): void {
    this.#stopInput();
    this.#asks?.close();
    if (this.#isConfirmed) return;
    this.#isConfirmed = true;
    void SETTLED.then(() => {
      for (const listener of this.#confirmedBy) listener();
    });
  }

  #stopInput(): void {
    this.#inputOpen = false;
    this.#inputStopped();
    this.#send.release();
  }

  async #sendAll(input: AsyncIterable<Uint8Array>): Promise<void> {
    const iterator = input[Symbol.asyncIterator]();
    while (this.#inputOpen) {
      // The guest may end without reading its input while the caller still sends: then nobody waits for the next chunk.
      const step = await this.#nextInput(iterator);
      if (step === null) break;
      if (step.done === true) return;
      await this.#sendChunk(step.value);
    }
    iterator.return?.()?.then(undefined, () => {
      // The invocation is over; how its input ends changes nothing any more.
    });
  }

  /** Not `Promise.race` with the end of the invocation: a promise that lives long keeps every chunk that it was raced with. */
  #nextInput(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array> | null> {
    return new Promise((resolve, reject) => {
      this.#inputStopped = () => resolve(null);
      iterator.next().then(resolve, reject);
    });
  }

  async #sendChunk(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      await this.#writer?.room();
      if (!this.#inputOpen) return;
      const size = this.#send.take(Math.min(CHUNK_BYTES, bytes.length - at));
      if (size === 0) {
        await this.#send.wait();
        if (!this.#inputOpen) return;
        continue;
      }
      this.#writer?.body(this.id, bytes.subarray(at, at + size));
      at += size;
    }
  }

  #taken(bytes: number): void {
    const credit = this.#receive.consume(bytes);
    if (credit > 0 && !this.#ended) this.#writer?.message('credit', this.id, { bytes: credit });
  }
}

const EMPTY = new Uint8Array(0);

const SETTLED = Promise.resolve();
