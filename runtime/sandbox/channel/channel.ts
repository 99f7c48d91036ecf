import { CloudletError, type ErrorCode } from '../../../guest-sdk/protocol/index.ts';
import {
  FIRST_ASK_ID,
  type Frame,
  FrameReader,
  type GrantMessage,
  type LateContent,
  type LoadedMessage,
  type LoadMessage,
  type ReadyMessage,
  WireError,
} from '../../agent/wire.ts';
import type { Machine } from '../../machine/machine.ts';
import { type Clock, systemClock } from '../clock.ts';
import { parseLoaded, parseLost, parseReady, parseRecalled, parseRenewed, parseWant } from './agent-message.ts';
import { BulkRing } from './bulk-ring.ts';
import { Call, type CallInput, type CallLog } from './call.ts';
import { NO_OUTSIDE } from './call-asks.ts';
import { CallLine, type CallRequest, type LineParts } from './call-line.ts';
import { CallTurns } from './call-turns.ts';
import { FrameWriter, UNREAD_BYTES } from './frame-writer.ts';
import { LateSender } from './late-sender.ts';
import { STUCK_MS } from './line-choice.ts';
import { sendLoad } from './load-sender.ts';
import { ended } from './pending.ts';

/** What a channel goes over; see `Machine`. */
export type ChannelParts = Pick<Machine, 'channel' | 'lines' | 'bulkFd'> &
  Partial<Pick<Machine, 'processors' | 'isEmulated' | 'processorNeedNs'>>;

/** The host's end of a machine's channel, and of its workers' lines, of which each has one invocation at a time, or several where they share instances. */
export class Channel {
  /** The agent's first words; rejects when the channel is lost before. */
  readonly ready: Promise<ReadyMessage>;
  /** Resolves, with the reason, when the channel is of no use any more: its end, an error, or a broken rule of the wire. */
  readonly lost: Promise<CloudletError>;
  /** Resolves when only as many lines for successors are left as there are workers: one that is to last is replaced before they are used up. */
  readonly worn: Promise<void>;
  /**
   * Hears that nothing comes from the agent any more, more than once perhaps, and closes the channel: with a better reason, where it can be
   * found out how the machine ended. What is pending waits for that.
   */
  whenEnded: (reason: string) => void = (reason) => this.close(reason);

  readonly #parts: ChannelParts;
  readonly #bulk: BulkRing | null;
  readonly #writer: FrameWriter;
  readonly #reader = new FrameReader();
  readonly #ready = Promise.withResolvers<ReadyMessage>();
  readonly #lost = Promise.withResolvers<CloudletError>();
  readonly #worn = Promise.withResolvers<void>();
  readonly #turns: CallTurns;
  /** In the order of the workers' numbers. */
  readonly #lines: CallLine[] = [];
  readonly #loads = new Map<number, PromiseWithResolvers<LoadedMessage>>();
  /** What the agent answers without a payload: `pong`, `prepared`. */
  readonly #answers = new Map<number, PromiseWithResolvers<void>>();
  #late: LateSender | null = null;
  #atOnce = 1;
  #nextId = 1;
  #loss: CloudletError | null = null;

  /** `restoredWorkers`: those of an agent that was restored, which said `ready` before. */
  constructor(parts: ChannelParts, restoredWorkers = 0, clock: Clock = systemClock) {
    const { channel: stream } = parts;
    this.#parts = parts;
    this.#bulk = this.#bulkOf(0);
    this.#writer = new FrameWriter(stream, this.#bulk);
    this.#turns = new CallTurns({
      ...{ lines: this.#lines, processors: parts.processors, clock, takeId: () => this.#takeId() },
      stuckMs: parts.isEmulated === true ? STUCK_MS.emulated : STUCK_MS.native,
      needNs: () => parts.processorNeedNs?.() ?? null,
      cancel: (id, worker, why) => this.#writer.message('cancel', id, { worker, why }),
      recall: (worker, last) => this.#writer.message('recall', 0, { worker, last }),
    });
    this.ready = this.#ready.promise;
    this.lost = this.#lost.promise;
    this.worn = this.#worn.promise;
    this.ready.catch(() => {});
    stream.on('data', (bytes: Uint8Array) => this.#take(bytes));
    stream.on('error', (error) => this.whenEnded(`the channel to the agent failed: ${error.message}`));
    stream.on('end', () => this.whenEnded('the agent closed its channel'));
    stream.on('close', () => this.whenEnded('the channel to the agent was closed'));
    for (const line of parts.lines) line.on('error', () => undefined);
    // Whoever waited for the first byte may have left the stream paused.
    stream.resume();
    this.#openLines(restoredWorkers);
  }

  /** Puts a component into the agent, and later what is `late` of it. Resolves with the agent's answer, good or bad. */
  async load(
    message: LoadMessage,
    parts: readonly Uint8Array[],
    late: readonly LateContent[] = [],
  ): Promise<LoadedMessage> {
    this.#share(message.reuse?.atOnce ?? 1);
    const id = this.#takeId();
    const answer = Promise.withResolvers<LoadedMessage>();
    answer.promise.catch(() => {});
    this.#loads.set(id, answer);
    await sendLoad(this.#writer, id, message, parts, () => this.#loss !== null);
    this.#late = new LateSender(this.#writer, late, ({ message: reason, code }) => this.#lose(reason, code));
    return answer.promise;
  }

  /** Starts an invocation, as soon as a worker is free. */
  invoke(request: CallRequest, input: CallInput, deadlineMs: number, log: CallLog, outside = NO_OUTSIDE): Call {
    if (this.#loss !== null) throw this.#loss;
    const call: Call = new Call(deadlineMs, log, (why) => this.#turns.cancel(call, why), outside);
    this.#turns.come(call, request, input);
    return call;
  }

  /** Lets no more than so many of its workers have an invocation at the same time. */
  allow(workers: number): void {
    this.#turns.most = workers;
  }

  /** See `CallTurns`. */
  get placesAhead(): number {
    return this.#turns.placesAhead;
  }

  /** Resolves when the agent's serving thread has answered. */
  ping(): Promise<void> {
    return this.#ask('ping');
  }

  /** Resolves when the agent is ready for a snapshot: all its workers run, are idle, and hold nothing that they do not need. Nothing may run meanwhile. */
  async prepare(): Promise<void> {
    await this.#ask('prepare');
    for (const line of this.#lines) line.rest();
  }

  /** The agent was restored with what it runs, `atOnce` invocations in each worker: these said that they serve before. */
  adopt(atOnce: number): void {
    this.#share(atOnce);
    for (const line of this.#lines) line.adopt();
  }

  /** What the invocations that follow are given, in place of what the load said. */
  grant(message: GrantMessage): void {
    for (const line of this.#lines) line.grant(message);
  }

  /** Gives up the channel; everything pending fails with this code and reason. Idempotent. */
  close(reason: string, code: ErrorCode = 'machine-failed'): void {
    this.#lose(reason, code);
  }

  #share(atOnce: number): void {
    this.#atOnce = atOnce;
    for (const line of this.#lines) line.atOnce = atOnce;
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
    this.#nextId = id === FIRST_ASK_ID - 1 ? 1 : id + 1;
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
      this.#broken(error);
    }
  }

  #dispatch({ kind, id, payload }: Frame): void {
    switch (kind) {
      case 'ready':
        this.#takeReady(parseReady(payload));
        break;
      case 'loaded':
        ended(this.#loads, id, kind, parseLoaded(payload), (load, message) => load.resolve(message));
        break;
      case 'pong':
      case 'prepared':
        ended(this.#answers, id, kind, null, (answer) => answer.resolve());
        break;
      case 'lost': {
        const lost = parseLost(payload);
        this.#lineOf(lost.worker).lose(lost);
        break;
      }
      case 'renewed': {
        const { worker, line, epoch } = parseRenewed(payload);
        this.#lineOf(worker).renew(this.#partsOf(line), epoch);
        if (this.#spareLines(line) === this.#lines.length) this.#worn.resolve();
        break;
      }
      case 'recalled':
        this.#turns.recalled(parseRecalled(payload));
        break;
      case 'want':
        this.#late?.want(parseWant(payload));
        break;
      case 'freed':
        this.#bulk?.freed(payload);
        break;
      default:
        throw new WireError(`expected a frame that an agent may send by its channel, got ${kind}`);
    }
  }

  #takeReady(message: ReadyMessage): void {
    if (this.#lines.length > 0) throw new WireError('expected one ready frame');
    this.#openLines(message.workers);
    this.#ready.resolve(message);
  }

  #openLines(workers: number): void {
    for (let worker = 0; worker < workers; worker += 1) {
      const line: CallLine = new CallLine(this.#partsOf(worker), {
        free: (ranMs) => this.#turns.free(line, ranMs),
        again: (calls) => this.#turns.again(calls),
        broken: (error) => this.#broken(error),
      });
      line.atOnce = this.#atOnce;
      this.#lines.push(line);
    }
  }

  #lineOf(worker: number): CallLine {
    const line = this.#lines[worker];
    if (line === undefined) throw new WireError(`expected one of ${this.#lines.length} workers, got ${worker}`);
    return line;
  }

  /** Those behind a line that was given to a successor; a port is the same worker's for ever. */
  #spareLines(line: number): number {
    return line < this.#lines.length ? Number.POSITIVE_INFINITY : this.#parts.lines.length - 1 - line;
  }

  #partsOf(line: number): LineParts {
    const stream = this.#parts.lines[line];
    if (stream === undefined) throw new WireError(`expected one of ${this.#parts.lines.length} lines, got ${line}`);
    return { stream, bulk: this.#bulkOf(line + 1) };
  }

  #bulkOf(part: number): BulkRing | null {
    const { bulkFd } = this.#parts;
    return bulkFd === undefined ? null : new BulkRing(bulkFd, part);
  }

  #broken(error: WireError): void {
    this.#lose(`the agent broke the rules of the wire: ${error.message}`);
  }

  #lose(reason: string, code: ErrorCode = 'machine-failed'): void {
    if (this.#loss !== null) return;
    const loss = new CloudletError(code, reason);
    this.#loss = loss;
    // First: who retries a call that fails now must already see a sandbox that is lost.
    this.#lost.resolve(loss);
    this.#ready.reject(loss);
    for (const load of this.#loads.values()) load.reject(loss);
    for (const answer of this.#answers.values()) answer.reject(loss);
    for (const call of this.#turns.end()) call.takeLoss(loss);
    this.#loads.clear();
    this.#answers.clear();
    for (const stream of [this.#parts.channel, ...this.#parts.lines]) stream.destroy();
  }
}
