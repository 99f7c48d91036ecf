import type { Duplex } from 'node:stream';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import {
  CHUNK_BYTES,
  encodeFreed,
  type Frame,
  FrameReader,
  type GrantMessage,
  INLINE_BYTES,
  type InvokeRequest,
  type LoadedMessage,
  type LoadMessage,
  type ReadyMessage,
  WireError,
} from '../../agent/wire.ts';
import { parseCredit, parseDone, parseHead, parseLoaded, parseLog, parseReady } from './agent-message.ts';
import { BulkRing } from './bulk-ring.ts';
import { Call, type CallInput, type CallLog } from './call.ts';
import { FrameWriter } from './frame-writer.ts';

/** Most bytes that may wait for an agent while it sends: each of its frames may be answered by one, which it need not read. */
const UNREAD_BYTES = 16 * 1024 * 1024;

/** The host's end of a machine's channel: many invocations over one byte stream. */
export class Channel {
  /** The agent's first words; rejects when the channel is lost before. */
  readonly ready: Promise<ReadyMessage>;
  /** Resolves, with the reason, when the channel is of no use any more: its end, an error, or a broken rule of the wire. */
  readonly lost: Promise<CloudletError>;

  readonly #stream: Duplex;
  readonly #bulk: BulkRing | null;
  readonly #writer: FrameWriter;
  readonly #reader = new FrameReader();
  readonly #ready = Promise.withResolvers<ReadyMessage>();
  readonly #lost = Promise.withResolvers<CloudletError>();
  readonly #calls = new Map<number, Call>();
  readonly #loads = new Map<number, PromiseWithResolvers<LoadedMessage>>();
  /** What the agent answers without a payload: `pong`, `prepared`. */
  readonly #answers = new Map<number, PromiseWithResolvers<void>>();
  #nextId = 1;
  #loss: CloudletError | null = null;

  /** `bulkFd` is the machine's second disk, for large bodies. */
  constructor(stream: Duplex, bulkFd: number | null = null) {
    this.#stream = stream;
    this.#bulk = bulkFd === null ? null : new BulkRing(bulkFd);
    this.#writer = new FrameWriter(stream, this.#bulk);
    this.ready = this.#ready.promise;
    this.lost = this.#lost.promise;
    this.ready.catch(() => {});
    stream.on('data', (bytes: Uint8Array) => this.#take(bytes));
    stream.on('error', (error) => this.#lose(`the channel to the agent failed: ${error.message}`));
    stream.on('end', () => this.#lose('the agent closed its channel'));
    stream.on('close', () => this.#lose('the channel to the agent was closed'));
    // Whoever waited for the first byte may have left the stream paused.
    stream.resume();
  }

  /** Puts a component into the agent. Resolves with the agent's answer, good or bad. */
  async load(message: LoadMessage, parts: readonly Uint8Array[]): Promise<LoadedMessage> {
    const id = this.#takeId();
    const answer = Promise.withResolvers<LoadedMessage>();
    answer.promise.catch(() => {});
    this.#loads.set(id, answer);
    this.#writer.message('load', id, message);
    for (const part of parts) {
      for (let at = 0; at < part.length && this.#loss === null; at += CHUNK_BYTES) {
        this.#writer.body(id, part.subarray(at, at + CHUNK_BYTES));
        await this.#writer.room();
      }
    }
    this.#writer.raw('end', id, new Uint8Array(0));
    return answer.promise;
  }

  /** Starts an invocation. A small input that is at hand travels with the request. */
  invoke(request: InvokeRequest, input: CallInput, deadlineMs: number, log: CallLog): Call {
    const id = this.#takeId();
    const call = new Call(id, this.#writer, log);
    this.#calls.set(id, call);
    const inline = input instanceof Uint8Array && input.length <= INLINE_BYTES ? input : null;
    this.#writer.message('invoke', id, { ...request, deadlineMs, input: inline });
    if (inline === null) void call.send(input);
    return call;
  }

  /** Resolves when the agent's serving thread has answered. */
  ping(): Promise<void> {
    return this.#ask('ping');
  }

  /** Resolves when the agent is ready for a snapshot: all its workers run, are idle, and hold nothing that they do not need. */
  prepare(): Promise<void> {
    return this.#ask('prepare');
  }

  /** What the invocations that follow are given, in place of what the load said. */
  grant(message: GrantMessage): void {
    this.#writer.message('grant', this.#takeId(), message);
  }

  /** Gives up the channel; everything pending fails with `machine-failed` and this reason. Idempotent. */
  close(reason: string): void {
    this.#lose(reason);
  }

  #ask(kind: 'ping' | 'prepare'): Promise<void> {
    const id = this.#takeId();
    const answer = Promise.withResolvers<void>();
    this.#answers.set(id, answer);
    this.#writer.raw(kind, id, new Uint8Array(0));
    return answer.promise;
  }

  #takeId(): number {
    if (this.#loss !== null) throw this.#loss;
    const id = this.#nextId;
    this.#nextId = id === 0xffff_ffff ? 1 : id + 1;
    return id;
  }

  #take(bytes: Uint8Array): void {
    if (this.#loss !== null) return;
    if (this.#writer.queuedBytes > UNREAD_BYTES) {
      this.#lose(`the agent sends, and has not read ${this.#writer.queuedBytes} bytes`);
      return;
    }
    try {
      for (const frame of this.#reader.push(bytes)) this.#dispatch(frame);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#lose(`the agent broke the rules of the wire: ${error.message}`);
    }
  }

  #dispatch({ kind, id, payload }: Frame): void {
    switch (kind) {
      case 'ready':
        this.#ready.resolve(parseReady(payload));
        break;
      case 'loaded':
        ended(this.#loads, id, kind, parseLoaded(payload), (load, message) => load.resolve(message));
        break;
      case 'pong':
      case 'prepared':
        ended(this.#answers, id, kind, null, (answer) => answer.resolve());
        break;
      case 'head':
        pending(this.#calls, id, kind).takeHead(parseHead(payload));
        break;
      case 'body':
        pending(this.#calls, id, kind).takeBody(payload);
        break;
      case 'bulk': {
        if (this.#bulk === null) throw new WireError('expected no bulk frame: the machine has no disk for it');
        const call = pending(this.#calls, id, kind);
        const { bytes, slot } = this.#bulk.fetch(payload);
        this.#writer.raw('freed', 0, encodeFreed(slot));
        call.takeBody(bytes);
        break;
      }
      case 'freed':
        this.#bulk?.freed(payload);
        break;
      case 'log':
        pending(this.#calls, id, kind).takeLog(parseLog(payload));
        break;
      case 'credit':
        pending(this.#calls, id, kind).takeCredit(parseCredit(payload).bytes);
        break;
      case 'done':
        ended(this.#calls, id, kind, parseDone(payload), (call, message) => call.takeDone(message));
        break;
      case 'load':
      case 'invoke':
      case 'cancel':
      case 'ping':
      case 'prepare':
      case 'grant':
      case 'end':
        throw new WireError(`expected a frame that an agent may send, got ${kind}`);
      default:
        kind satisfies never;
    }
  }

  #lose(reason: string): void {
    if (this.#loss !== null) return;
    const loss = new CloudletError('machine-failed', reason);
    this.#loss = loss;
    // First: who retries a call that fails now must already see a sandbox that is lost.
    this.#lost.resolve(loss);
    this.#ready.reject(loss);
    for (const load of this.#loads.values()) load.reject(loss);
    for (const answer of this.#answers.values()) answer.reject(loss);
    for (const call of this.#calls.values()) call.takeLoss(loss);
    this.#loads.clear();
    this.#answers.clear();
    this.#calls.clear();
    this.#stream.destroy();
  }
}

/** What waits under `id`. The host chose the id and `done` is the last frame under it, so anything else is a broken rule. */
function pending<T>(waiting: ReadonlyMap<number, T>, id: number, kind: string): T {
  const found = waiting.get(id);
  if (found === undefined) throw new WireError(`expected ${kind} for something that is pending, got id ${id}`);
  return found;
}

/** The last frame under `id`. It was parsed before, so that what waits is still there to be told when it cannot be. */
function ended<T, M>(
  waiting: Map<number, T>,
  id: number,
  kind: string,
  message: M,
  tell: (to: T, message: M) => void,
): void {
  const found = pending(waiting, id, kind);
  waiting.delete(id);
  tell(found, message);
}
