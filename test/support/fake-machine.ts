/**
 * Machines without QEMU and Node: the far end of the channel is in the test, and speaks the real wire.
 */
import { type Duplex, duplexPair } from 'node:stream';
import {
  decodeMessage,
  encodeFrame,
  encodeMessage,
  type Frame,
  FrameReader,
  type InvokeMessage,
  type KindName,
  WIRE_VERSION,
} from '../../runtime/agent/wire.ts';
import type { Machine, MachineExit } from '../../runtime/machine/machine.ts';

const EMPTY = new Uint8Array(0);

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
  /** What it says to a load instead of taking it. */
  readonly loadError?: string | undefined;
  /** It does not say that it is ready. */
  readonly silent?: boolean;
  /** It answers neither a ping nor a load. */
  readonly mute?: boolean;
}

/** The far end of a channel. */
export class FakeAgent {
  readonly #stream: Duplex;
  readonly #reader = new FrameReader();
  readonly #invocations = new Map<number, FakeInvocation>();
  readonly #arrived: FakeInvocation[] = [];
  #waiting: ((invocation: FakeInvocation) => void)[] = [];
  /** Frames that came and are neither input nor credit, by kind. */
  readonly heard: KindName[] = [];
  readonly loadError: string | undefined;
  readonly #mute: boolean;
  /** Output bytes that the host gave credit for. */
  creditBytes = 0;

  constructor(stream: Duplex, options: FakeOptions = {}) {
    this.#stream = stream;
    this.loadError = options.loadError;
    this.#mute = options.mute === true;
    stream.on('data', (bytes: Uint8Array) => {
      for (const frame of this.#reader.push(bytes)) this.#take(frame);
    });
    stream.on('error', () => {});
    if (options.silent === true) return;
    this.say('ready', 0, { wire: WIRE_VERSION, node: process.version, workers: options.workers ?? 4 });
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
    this.send(kind, id, encodeMessage(message));
  }

  send(kind: KindName, id: number, payload: Uint8Array): void {
    this.sendBytes(encodeFrame(kind, id, payload));
  }

  sendBytes(bytes: Uint8Array): void {
    if (this.#stream.writable) this.#stream.write(bytes);
  }

  #take({ kind, id, payload }: Frame): void {
    if (kind !== 'body' && kind !== 'credit') this.heard.push(kind);
    const invocation = this.#invocations.get(id);
    switch (kind) {
      case 'invoke': {
        const arrived = new FakeInvocation(this, id, decodeMessage(payload) as InvokeMessage);
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
      case 'credit':
        this.creditBytes += (decodeMessage(payload) as { bytes: number }).bytes;
        break;
      case 'cancel':
        invocation?.takeCancel();
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
  readonly exited: Promise<MachineExit>;
  readonly agent: FakeAgent;
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
  readonly #exited = Promise.withResolvers<MachineExit>();
  readonly #far: Duplex;

  constructor(id: string, options: FakeOptions = {}) {
    const [near, far] = duplexPair();
    this.id = id;
    this.channel = near;
    this.#far = far;
    this.agent = new FakeAgent(far, options);
    this.exited = this.#exited.promise;
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

  async privateBytes(): Promise<number> {
    return this.memoryBytes;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.die(null, null);
    await this.exited;
  }

  /** Ends as a process does: with a status or by a signal. */
  die(code: number | null, signal: string | null, tail = ''): void {
    this.#far.destroy();
    this.#exited.resolve({ code, signal, tail });
  }
}
