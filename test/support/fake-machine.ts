/**
 * Machines without QEMU and Node: the far end of the channel is in the test, and speaks the real wire.
 */
import { type Duplex, duplexPair } from 'node:stream';
import {
  type DoneMessage,
  decodeInvoke,
  decodeMessage,
  encodeDone,
  encodeFrame,
  encodeHead,
  encodeMessage,
  FIRST_EPOCH,
  type Frame,
  FrameReader,
  type HeadMessage,
  type InvokeMessage,
  type KindName,
  type RecallMessage,
  WIRE_VERSION,
} from '../../runtime/agent/wire.ts';
import type { Machine, MachineExit } from '../../runtime/machine/machine.ts';

const EMPTY = new Uint8Array(0);

/** A message in the form that its kind has on the wire. */
export function encodePayload(kind: KindName, message: unknown): Uint8Array {
  if (kind === 'head') return encodeHead(message as HeadMessage);
  return kind === 'done' ? encodeDone(message as DoneMessage) : encodeMessage(message);
}

/** Workers of a fake agent that was not given another number. */
export const FAKE_WORKERS = 4;

/** An invocation as the fake agent got it; the test decides what becomes of it. */
export class FakeInvocation {
  readonly id: number;
  readonly message: InvokeMessage;
  readonly #agent: FakeAgent;
  readonly #ended = Promise.withResolvers<void>();
  readonly #cancelled = Promise.withResolvers<void>();
  #input: Uint8Array[] = [];

  constructor(agent: FakeAgent, id: number, message: InvokeMessage) {
    this.#agent = agent;
    this.id = id;
    this.message = message;
    if (message.input !== null) this.takeBody(message.input);
    if (message.input !== null) this.takeEnd();
  }

  /** Resolves with the whole input once its end has come. */
  async input(): Promise<string> {
    await this.#ended.promise;
    return Buffer.concat(this.#input).toString();
  }

  /** Bytes of input so far. */
  get inputBytes(): number {
    return this.#input.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  /** Resolves when the host gave it up. */
  get cancelled(): Promise<void> {
    return this.#cancelled.promise;
  }

  takeBody(bytes: Uint8Array): void {
    this.#input.push(bytes);
    if (bytes.length > 0 && this.message.input === null) this.#agent.say('credit', this.id, { bytes: bytes.length });
  }

  takeEnd(): void {
    this.#ended.resolve();
  }

  takeCancel(): void {
    this.#cancelled.resolve();
  }

  write(text: string): void {
    this.#agent.send('body', this.id, Buffer.from(text));
  }

  /** Asks its host for something, under an id of the test's. */
  ask(id: number, service: string, args: unknown = null): void {
    this.#agent.sendBytes(
      encodeFrame('ask', id, encodeMessage({ invocation: this.id, service, args })),
      this.#agent.lineOf(this.id),
    );
  }

  done(exitCode = 0): void {
    this.#agent.say('done', this.id, { kind: 'ok', exitCode, runMs: 1 });
  }

  fail(code: string, detail = 'as the test wants'): void {
    this.#agent.say('done', this.id, { kind: 'failed', code, detail, runMs: 1 });
  }
}

/** How an agent behaves before any invocation. */
export interface FakeOptions {
  readonly workers?: number;
  /** Lines, some perhaps for successors; default: one for each worker. */
  readonly lines?: number;
  /** What it says to a load instead of taking it. */
  readonly loadError?: string | undefined;
  /** It does not say that it is ready. */
  readonly silent?: boolean;
  /** It answers neither a ping nor a load. */
  readonly mute?: boolean;
}

/** The far end of a channel, and of the lines of its workers. */
export class FakeAgent {
  readonly #stream: Duplex;
  readonly #lines: readonly Duplex[];
  /** Where each invocation came from. */
  readonly #lineOf = new Map<number, Duplex>();
  readonly #invocations = new Map<number, FakeInvocation>();
  readonly #arrived: FakeInvocation[] = [];
  #waiting: ((invocation: FakeInvocation) => void)[] = [];
  /** Frames that came and are neither input nor credit, by kind. */
  readonly heard: KindName[] = [];
  readonly loadError: string | undefined;
  readonly #mute: boolean;
  /** What its workers were granted, in place of what the load said. */
  readonly grants: unknown[] = [];
  /** What the host took back from its workers. */
  readonly recalls: RecallMessage[] = [];
  /** What the host answered to what was asked. */
  readonly answers: unknown[] = [];
  /** Output bytes that the host gave credit for. */
  creditBytes = 0;

  constructor(stream: Duplex, lines: readonly Duplex[], options: FakeOptions = {}) {
    this.#stream = stream;
    this.#lines = lines;
    this.loadError = options.loadError;
    this.#mute = options.mute === true;
    for (const each of [stream, ...lines]) this.#listen(each);
    if (options.silent === true) return;
    const workers = options.workers ?? FAKE_WORKERS;
    this.say('ready', 0, { wire: WIRE_VERSION, node: process.version, workers });
    for (let worker = 0; worker < workers; worker += 1) this.mark(worker, FIRST_EPOCH);
  }

  /** The worker of a line says that it serves. */
  mark(line: number, epoch: Uint8Array): void {
    this.#lines[line]!.write(encodeFrame('mark', 0, epoch));
  }

  /** The next invocation that comes, or came and was not asked for yet. */
  next(): Promise<FakeInvocation> {
    const arrived = this.#arrived.shift();
    if (arrived !== undefined) return Promise.resolve(arrived);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Invocations that came and were not asked for yet. */
  get unasked(): number {
    return this.#arrived.length;
  }

  say(kind: KindName, id: number, message: unknown): void {
    this.send(kind, id, encodePayload(kind, message));
  }

  /** By the line of the invocation of this id; what has none, by the channel. */
  send(kind: KindName, id: number, payload: Uint8Array): void {
    this.sendBytes(encodeFrame(kind, id, payload), this.#lineOf.get(id));
  }

  sendBytes(bytes: Uint8Array, to: Duplex = this.#stream): void {
    if (to.writable) to.write(bytes);
  }

  /** The line over which an invocation came. */
  lineOf(id: number): Duplex {
    return this.#lineOf.get(id)!;
  }

  #listen(stream: Duplex): void {
    const reader = new FrameReader();
    stream.on('data', (bytes: Uint8Array) => {
      for (const frame of reader.push(bytes)) this.#take(frame, stream);
    });
    stream.on('error', () => {});
  }

  #take({ kind, id, payload }: Frame, from: Duplex): void {
    if (kind !== 'body' && kind !== 'credit' && kind !== 'mark') this.heard.push(kind);
    const invocation = this.#invocations.get(id);
    switch (kind) {
      case 'invoke': {
        const arrived = new FakeInvocation(this, id, decodeInvoke(payload));
        this.#lineOf.set(id, from);
        this.#invocations.set(id, arrived);
        const waiting = this.#waiting.shift();
        if (waiting === undefined) this.#arrived.push(arrived);
        else waiting(arrived);
        break;
      }
      case 'body':
        invocation?.takeBody(payload);
        break;
      case 'end':
        if (invocation !== undefined) invocation.takeEnd();
        else if (!this.#mute)
          this.say('loaded', id, { compileMs: 1, ...(this.loadError === undefined ? {} : { error: this.loadError }) });
        break;
      case 'grant':
        this.grants.push(decodeMessage(payload));
        break;
      case 'answer':
        this.answers.push(decodeMessage(payload));
        break;
      case 'credit':
        this.creditBytes += (decodeMessage(payload) as { bytes: number }).bytes;
        break;
      case 'cancel':
        invocation?.takeCancel();
        break;
      case 'recall':
        this.recalls.push(decodeMessage(payload) as RecallMessage);
        break;
      case 'ping':
        if (!this.#mute) this.send('pong', id, EMPTY);
        break;
      default:
    }
  }
}

/** A machine whose agent is in the test. */
export class FakeMachine implements Machine {
  readonly id: string;
  readonly pid = 0;
  readonly channel: Duplex;
  readonly lines: readonly Duplex[];
  readonly exited: Promise<MachineExit>;
  readonly agent: FakeAgent;
  /** What it says, and has said when it ends without another word. */
  tail = '';
  closed = false;
  paused = false;
  /** What it says when it is to be paused or resumed, instead of doing it. */
  pauseError: string | undefined;
  /** Asked before it is paused; may take its time. */
  pausing: () => Promise<void> = async () => {};
  /** Asked before it is resumed; may take its time. */
  resuming: () => Promise<void> = async () => {};
  /** Its private memory, bytes. */
  memoryBytes = 20 * 1024 * 1024;
  mostPrivateBytes?: number;
  processors = FAKE_WORKERS;
  isEmulated = false;
  /** What its threads needed of processors so far, nanoseconds; null: not known. */
  needNs: number | null = null;
  queueNs: number | null = null;
  readonly #exited = Promise.withResolvers<MachineExit>();
  readonly #far: Duplex;

  constructor(id: string, options: FakeOptions = {}) {
    const [near, far] = duplexPair();
    this.id = id;
    this.channel = near;
    this.#far = far;
    const lines = Array.from({ length: options.lines ?? options.workers ?? FAKE_WORKERS }, () => duplexPair());
    this.lines = lines.map(([line]) => line);
    this.agent = new FakeAgent(
      far,
      lines.map(([, line]) => line),
      options,
    );
    this.exited = this.#exited.promise;
  }

  said(): string {
    return this.tail;
  }

  async pause(): Promise<void> {
    await this.pausing();
    if (this.pauseError !== undefined) throw new Error(this.pauseError);
    this.paused = true;
  }

  async resume(): Promise<void> {
    await this.resuming();
    if (this.pauseError !== undefined) throw new Error(this.pauseError);
    this.paused = false;
  }

  processorNeedNs(): number | null {
    return this.needNs;
  }

  processorQueueNs(): number | null {
    return this.queueNs;
  }

  async privateBytes(): Promise<number> {
    return this.memoryBytes;
  }

  /** Whose it is, for the processors. */
  claimant: string | null = null;

  async claimFor(claimant: string): Promise<void> {
    this.claimant = claimant;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.die(null, null);
    await this.exited;
  }

  /** Its agent's end of the channel is gone, and it runs. */
  hangUp(): void {
    this.#far.destroy();
  }

  /** Ends as a process does: with a status or by a signal. */
  die(code: number | null, signal: string | null, tail = this.tail): void {
    this.#far.destroy();
    this.#exited.resolve({ code, signal, tail });
  }
}
