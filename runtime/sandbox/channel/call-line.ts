import type { Duplex } from 'node:stream';
import {
  ASK_BYTES,
  encodeFreed,
  encodeInvoke,
  FIRST_EPOCH,
  type Frame,
  type GrantMessage,
  hasReached,
  INLINE_BYTES,
  type InvokeRequest,
  isAskId,
  LineReader,
  type LostMessage,
  type RecalledMessage,
  WireError,
} from '../../agent/wire.ts';
import { InFlight } from '../in-flight.ts';
import { parseAsk, parseCredit, parseDone, parseHead, parseLog } from './agent-message.ts';
import type { BulkRing } from './bulk-ring.ts';
import type { Call, CallInput } from './call.ts';
import { FrameWriter, UNREAD_BYTES } from './frame-writer.ts';

/** What a line's owner hears. */
export interface CallLineEvents {
  /** The worker can take an invocation: it has ended one that took so long, or is there. */
  readonly free: (ranMs: number | null) => void;
  /** Invocations that the worker was sent did not begin in it, and may begin in another; in their order. */
  readonly again: (calls: readonly Call[]) => void;
  /** The worker broke the rules of the wire. */
  readonly broken: (error: WireError) => void;
}

/** What is to be run, and whether anybody asked for it. */
export type CallRequest = InvokeRequest & { readonly rehearsal?: true };

/** What a line is made of: a stream to the worker, and its part of the disk for large bodies, where the machine has one. */
export interface LineParts {
  readonly stream: Duplex;
  readonly bulk: BulkRing | null;
}

/**
 * The host's end of one worker's line, over which that has one invocation after the other, or several where they share instances. It outlives the worker: when that is
 * replaced, what the line still holds for it and of it is told from what its successor says, see `LineReader`.
 */
export class CallLine {
  /** Invocations that its worker may have at once: more than one where the component is asynchronous. */
  atOnce = 1;
  /** When its worker was last given an invocation while it had none, or ended one; by its owner's clock. */
  movedAt = 0;
  readonly #events: CallLineEvents;
  #parts: LineParts;
  #writer: FrameWriter;
  #reader = new LineReader(FIRST_EPOCH);
  #epoch = FIRST_EPOCH;
  /** Whether the worker was told the epoch. */
  #marked = false;
  #grant: GrantMessage | null = null;
  /** Whether the worker was told the grant: before an invocation, for on the channel that could overtake it. */
  #granted = false;
  /** Whether the worker has said that it serves. */
  #serving = false;
  /** By id, in the order in which they began. */
  readonly #calls = new InFlight<number, Call>();
  /** The last that was sent when some were asked back; null when none are. */
  #recalling: number | null = null;

  /** A line whose worker has yet to say that it serves. */
  constructor(parts: LineParts, events: CallLineEvents) {
    this.#events = events;
    this.#parts = parts;
    this.#writer = new FrameWriter(parts.stream, parts.bulk);
    this.#listen(parts.stream);
  }

  /** Whether an invocation can begin. */
  get free(): boolean {
    return this.#serving && this.#calls.size < this.atOnce;
  }

  /**
   * Whether its worker, which is busy, can be sent one that begins when those before it have ended. Not behind one whose input follows it: if that had not begun when some
   * are asked back, it would come back without what was sent of it.
   */
  get takesAhead(): boolean {
    if (!this.#serving || !this.isAlone || this.#recalling !== null) return false;
    return this.first?.canBeginAgain === true;
  }

  /** Whether its worker has one invocation at a time. */
  get isAlone(): boolean {
    return this.atOnce === 1;
  }

  /** Invocations that its worker has. */
  get busy(): number {
    return this.#calls.size;
  }

  /** Whether this is the line of that invocation. */
  carries(call: Call): boolean {
    return this.#calls.get(call.id) === call;
  }

  /** The invocation that its worker runs, if it is one at a time: the others wait behind it. */
  get first(): Call | undefined {
    return this.#calls.first;
  }

  /** Asks those back that wait behind others: gives the last of them, or null when they were asked back before. */
  recall(): number | null {
    if (this.#recalling !== null) return null;
    this.#recalling = this.#calls.keys().at(-1) ?? null;
    return this.#recalling;
  }

  /** Some come back: gives those that have not begun and do not any more, in their order. */
  recalled({ last, begun }: RecalledMessage): Call[] {
    if (last !== this.#recalling) throw new WireError('expected nothing to come back that was not asked for');
    this.#recalling = null;
    const back = this.#calls.values().filter(({ id }) => hasReached(last, id) && !hasReached(begun, id));
    for (const { id } of back) this.#calls.delete(id);
    return back;
  }

  /** The worker said that it serves before it was restored from a snapshot. */
  adopt(): void {
    this.#reader.resume();
    this.#serving = true;
  }

  /** The agent gets ready for a snapshot, and so for a host that knows of no epoch but the first. */
  rest(): void {
    this.#epoch = FIRST_EPOCH;
    this.#marked = false;
  }

  /** What the invocations that follow are given, in place of what the load said. */
  grant(message: GrantMessage): void {
    this.#grant = message;
    this.#granted = false;
  }

  /** Starts an invocation, as `id`: the ids of a worker grow in the order in which it gets them. A small input that is at hand travels with the request. */
  begin(id: number, call: Call, request: CallRequest, input: CallInput): void {
    call.begin(id, this.#writer);
    this.#calls.set(id, call);
    if (!this.#marked) this.#mark();
    if (this.#grant !== null && !this.#granted) this.#writer.message('grant', 0, this.#grant);
    this.#granted = true;
    const inline = isInline(input) ? input : null;
    this.#writer.raw('invoke', id, encodeInvoke({ ...request, deadlineMs: call.deadlineMs, input: inline }));
    if (inline === null) void call.send(input);
    // Its worker begins while this process reads what else came; what it gets for later leaves together.
    else if (this.#calls.size === 1) this.#writer.soon();
  }

  /** The worker is no more. An invocation that it had finished may still get its answer, one that it had not begun waits for another; any other fails. */
  lose(lost: LostMessage): void {
    this.#serving = false;
    const again: Call[] = [];
    for (const call of this.#calls.values()) {
      if (hasReached(lost.finished, call.id)) continue;
      this.#calls.delete(call.id);
      if (!hasReached(lost.begun, call.id) && call.canBeginAgain) again.push(call);
      else call.takeWorkerLoss(lost);
    }
    this.#events.again(again);
  }

  /** The worker has a successor. */
  renew(parts: LineParts, epoch: Uint8Array): void {
    const { stream } = this.#parts;
    this.#writer.retire();
    this.#parts = parts;
    this.#writer = new FrameWriter(parts.stream, parts.bulk);
    if (parts.stream === stream) {
      this.#reader.expect(epoch);
    } else {
      this.#reader = new LineReader(epoch);
      this.#listen(parts.stream);
    }
    this.#epoch = epoch;
    this.#mark();
  }

  /** A first worker is told with its first invocation, so that it is not woken before; a successor waits for it. */
  #mark(): void {
    this.#writer.raw('mark', 0, this.#epoch);
    this.#marked = true;
    this.#granted = false;
  }

  #listen(stream: Duplex): void {
    const reader = this.#reader;
    stream.on('data', (bytes: Uint8Array) => {
      try {
        const { queuedBytes } = this.#writer;
        if (queuedBytes > UNREAD_BYTES)
          throw new WireError(`expected that it is read, got ${queuedBytes} bytes unread`);
        for (const frame of reader.push(bytes)) this.#take(frame);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        this.#events.broken(error);
      }
    });
    // The channel tells of lost workers, and its own end of a lost machine.
    stream.on('error', () => undefined);
  }

  #take(frame: Frame): void {
    const { kind, id, payload } = frame;
    if (kind === 'mark') this.#serve();
    else if (kind === 'freed' && this.#serving) this.#parts.bulk?.freed(payload);
    else if (isAskId(id)) this.#takeAsked(frame);
    else this.#tell(frame);
  }

  /** Takes what is said of something that an invocation of the worker asks, or did ask: it may be over by now. */
  #takeAsked(frame: Frame): void {
    if (this.#calls.size === 0 && !this.#serving) return;
    if (frame.kind === 'ask') {
      const call = this.#asking(frame.payload);
      if (call === undefined && this.#serving)
        throw new WireError('expected nothing to be asked without an invocation');
      call?.takeAsked(frame);
      return;
    }
    const said: Frame = frame.kind === 'bulk' ? { ...frame, kind: 'body', payload: this.#fetch(frame.payload) } : frame;
    for (const call of this.#calls.values()) call.takeAsked(said);
  }

  /** For whom something is asked. */
  #asking(payload: Uint8Array): Call | undefined {
    // What is too long is told by the invocation, which parses it.
    if (this.atOnce === 1 || payload.length > ASK_BYTES) return this.#calls.first;
    return this.#calls.get(parseAsk(payload).invocation);
  }

  #fetch(payload: Uint8Array): Uint8Array {
    if (this.#parts.bulk === null) throw new WireError('expected no bulk frame: the machine has no disk for it');
    const { bytes, slot } = this.#parts.bulk.fetch(payload);
    this.#writer.raw('freed', 0, encodeFreed(slot));
    return bytes;
  }

  #tell({ kind, id, payload }: Frame): void {
    const call = this.#calls.get(id);
    if (call === undefined) {
      // What a lost worker said last is of an invocation that failed with it.
      if (!this.#serving) return;
      throw new WireError(`expected ${kind} for an invocation of the worker, got id ${id}`);
    }
    switch (kind) {
      case 'head':
        call.takeHead(parseHead(payload));
        break;
      case 'body':
        call.takeBody(payload);
        break;
      case 'bulk':
        call.takeBody(this.#fetch(payload));
        break;
      case 'log':
        call.takeLog(parseLog(payload));
        break;
      case 'credit':
        call.takeCredit(parseCredit(payload).bytes);
        break;
      case 'done': {
        const done = parseDone(payload);
        this.#calls.delete(id);
        call.takeDone(done);
        if (this.#serving) this.#events.free(done.runMs);
        break;
      }
      default:
        throw new WireError(`expected a frame that a worker may send, got ${kind}`);
    }
  }

  #serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    const calls = this.#calls.values();
    this.#calls.clear();
    for (const call of calls) call.takeWorkerLoss(null);
    this.#events.free(null);
  }
}

/** Whether an input travels with its request. */
export function isInline(input: CallInput): input is Uint8Array {
  return input instanceof Uint8Array && input.length <= INLINE_BYTES;
}
