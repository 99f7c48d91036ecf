import { BodyRoom } from './body-room.ts';
import { BulkDisk } from './bulk-disk.ts';
import type { ChannelPort } from './channel-port.ts';
import { FrameRoom } from './frame-room.ts';
import { putDone, putHead } from './invocation-message.ts';
import { linePort } from './line-port.ts';
import type { PackRoom } from './packed-message.ts';
import {
  type AnswerMessage,
  BULK_FROM_BYTES,
  type CreditMessage,
  decodeInvoke,
  decodeMessage,
  encodeFreed,
  encodeMessage,
  FIRST_EPOCH,
  type FinishMessage,
  type Frame,
  type GrantMessage,
  type KindName,
  LineReader,
  SLOT_BYTES,
  WireError,
} from './wire.ts';
import type { FromInvocation, Invoked, ToInvocation, WorkerStart } from './worker-message.ts';

/** What a worker hears by its line. */
export interface WorkerLineEvents {
  /** For the invocations that follow. */
  readonly grant: (grant: GrantMessage) => void;
  readonly invoke: (invoked: Invoked) => void;
  /** Something for the invocation of this id, or for what was asked under it; either may have ended by now. */
  readonly tell: (id: number, message: ToInvocation) => void;
}

/** The worker's end of its line: the invocations that come and what they say, which passes through no other thread. */
export class WorkerLine {
  readonly #port: ChannelPort;
  readonly #bulk: BulkDisk | null;
  readonly #epoch: Uint8Array;
  readonly #reader: LineReader;
  readonly #events: WorkerLineEvents;
  readonly #marked = Promise.withResolvers<void>();
  #open = false;
  #isMarked = false;
  /** Frames that have not left. */
  readonly #frames = new FrameRoom();
  /** What came of a body behind them, and whose it is. */
  readonly #room: BodyRoom;
  #bodyId: number | null = null;
  /** The only frame that has not left, where it is a long one: it lies in the room. */
  #alone: Uint8Array | null = null;
  #isLeaving = false;
  #gathers = false;
  /** Whether somebody waits for what has not left: it is more than the beginning of an answer. */
  #isAwaited = false;
  /** When the guest that said it first came to a checkpoint since; null when it has not. */
  #heldAt: number | null = null;
  readonly #leave = () => {
    if (this.#gathers) setImmediate(this.#left);
    else process.nextTick(this.#left);
  };
  readonly #left = () => {
    this.#isLeaving = false;
    this.flush();
  };

  constructor(start: WorkerStart, events: WorkerLineEvents, port: ChannelPort = linePort(start)) {
    this.#port = port;
    this.#bulk = start.bulkDevice === null ? null : BulkDisk.open(start.bulkDevice, start.line + 1);
    this.#room = this.#bulk?.room ?? new BodyRoom();
    this.#epoch = start.epoch;
    this.#reader = new LineReader(start.epoch);
    this.#events = events;
  }

  /**
   * Says that this worker serves, and serves. A successor waits for the host's mark with its own: a host that does not know of it yet would
   * take its bytes for the rest of what its predecessor said.
   */
  open(): void {
    this.#open = true;
    if (this.#isFirst) this.#mark();
    this.#port.start((bytes) => {
      for (const frame of this.#reader.push(bytes)) this.#take(frame);
    });
  }

  /** A host to come knows of no epoch but the first. Resolves when the present one has been told of this worker, as it waits for that. */
  async rest(): Promise<void> {
    if (this.#open) await this.#marked.promise;
    this.#reader.expect(FIRST_EPOCH);
  }

  /**
   * Sends what an invocation says when the guest waits, or at `flush`, or at a checkpoint of its fuel, see `goOn`: a system call costs more than
   * all that a small one says.
   */
  post(message: FromInvocation): void {
    this.#isAwaited ||= !BEGINS.has(message.kind);
    switch (message.kind) {
      case 'head':
        putHead(this.#next('head', message.id), message.head);
        break;
      case 'body':
        this.#sayBody(message.id, message.bytes);
        break;
      case 'log':
        this.#say('log', message.id, message.log);
        break;
      case 'credit':
        this.#say('credit', message.id, { bytes: message.bytes });
        break;
      case 'done':
        putDone(this.#next('done', message.id), message.done);
        break;
      case 'ask':
        this.#put('ask', message.id, message.payload);
        break;
      case 'end':
      case 'forget':
        this.#put(message.kind, message.id, EMPTY);
        break;
      default:
        message satisfies never;
    }
  }

  /**
   * What several invocations at once say leaves together, at the end of the turn of the event loop in which they say it: an answer of theirs takes many
   * ticks, and its head would leave long before its end.
   */
  gather(gathers: boolean): void {
    this.#gathers = gathers;
  }

  /**
   * A guest is at a checkpoint, at `now` in milliseconds, and goes on. The beginning of an answer waits for its end for a while: in an engine for
   * JavaScript the two are some checkpoints apart, and what comes whole costs the host a tenth of what is streamed.
   */
  goOn(now: number): void {
    if (this.#isAwaited) this.flush();
    else if (this.#bodyId !== null || this.#alone !== null || !this.#frames.isEmpty) {
      this.#heldAt ??= now;
      if (now - this.#heldAt >= HELD_MS) this.flush();
    }
  }

  /** Sends what has been posted, now. */
  flush(): void {
    this.#isAwaited = false;
    this.#heldAt = null;
    this.#seal();
    const alone = this.#alone;
    if (alone !== null) {
      this.#alone = null;
      this.#port.write(alone);
    } else if (!this.#frames.isEmpty) {
      this.#port.write(this.#frames.take());
    }
  }

  #take({ kind, id, payload }: Frame): void {
    switch (kind) {
      case 'mark':
        if (!this.#isFirst) this.#mark();
        break;
      case 'grant':
        // A copy: what is decoded are views, which would keep all they are views of.
        this.#events.grant(decodeMessage(new Uint8Array(payload)) as GrantMessage);
        break;
      case 'invoke':
        this.#events.invoke({ id, message: decodeInvoke(payload) });
        break;
      case 'body':
        this.#events.tell(id, { kind: 'body', bytes: payload });
        break;
      case 'bulk': {
        if (this.#bulk === null) throw new WireError('expected no bulk frame: there is no disk for it');
        const { bytes, slot } = this.#bulk.fetch(payload);
        this.#put('freed', 0, encodeFreed(slot));
        this.#isAwaited = true;
        this.#events.tell(id, { kind: 'body', bytes });
        break;
      }
      case 'freed':
        this.#bulk?.freed(payload);
        break;
      case 'end':
        this.#events.tell(id, { kind: 'end' });
        break;
      case 'credit':
        this.#events.tell(id, { kind: 'credit', bytes: (decodeMessage(payload) as CreditMessage).bytes });
        break;
      case 'answer':
        this.#events.tell(id, { kind: 'answer', answer: decodeMessage(payload) as AnswerMessage });
        break;
      case 'forget':
        this.#events.tell(id, { kind: 'forget' });
        break;
      case 'finish':
        this.#events.tell(id, { kind: 'finish', finish: decodeMessage(payload) as FinishMessage });
        break;
      default:
        throw new WireError(`expected a frame that a host may send to a worker, got ${kind}`);
    }
  }

  get #isFirst(): boolean {
    return this.#epoch.every((byte) => byte === 0);
  }

  /** Once, whatever the host repeats. */
  #mark(): void {
    if (this.#isMarked) return;
    this.#isMarked = true;
    this.#put('mark', 0, this.#epoch);
    this.flush();
    this.#marked.resolve();
  }

  /** Bytes of one body that follow each other leave as one: the C library of a guest writes 4 KiB at a time. */
  #sayBody(id: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#bodyId !== id || this.#room.length + bytes.length > SLOT_BYTES) this.#seal();
    if (this.#alone !== null) this.flush();
    this.#bodyId = id;
    this.#room.add(bytes);
    // The host reads while the guest goes on.
    if (this.#room.length >= (this.#bulk === null ? EARLY_BYTES : SLOT_BYTES)) this.flush();
    else this.#leaveLater();
  }

  /** Puts what came of a body behind the frames before it: by the disk when the bytes are many and a slot is free, else by the port. */
  #seal(): void {
    if (this.#bodyId === null) return;
    const id = this.#bodyId;
    this.#bodyId = null;
    const placed = this.#bulk === null || this.#room.length < BULK_FROM_BYTES ? null : this.#bulk.place();
    if (placed !== null) {
      this.#frames.put('bulk', id, placed);
      return;
    }
    const frame = this.#room.take(id);
    // Long and alone it leaves from where it lies; what leaves beside others is joined with them anyway, and so the room is free at once.
    if (frame.length > SHORT_BYTES && this.#frames.isEmpty) this.#alone = frame;
    else this.#frames.add(frame);
  }

  #say(kind: KindName, id: number, message: unknown): void {
    this.#put(kind, id, encodeMessage(message));
  }

  #put(kind: KindName, id: number, payload: Uint8Array): void {
    this.#next(kind, id);
    this.#frames.put(kind, id, payload);
  }

  /** Where the payload of the next frame is packed, behind what came before. */
  #next(kind: KindName, id: number): PackRoom {
    this.#seal();
    if (this.#alone !== null) this.#frames.add(this.#alone);
    this.#alone = null;
    this.#leaveLater();
    return this.#frames.of(kind, id);
  }

  #leaveLater(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    // By way of a microtask: a tick that is asked for by the callback itself comes before the microtasks of its turn, one that a microtask asks for
    // after them all, and so after all that a guest does without waiting.
    void TURN.then(this.#leave);
  }
}

/** For microtasks: a promise that is there costs less than `queueMicrotask`. */
const TURN = Promise.resolve();

const EMPTY = new Uint8Array(0);

/** What an answer is until it ends. */
const BEGINS: ReadonlySet<FromInvocation['kind']> = new Set(['head', 'body', 'log']);

/** For how long that is held at the checkpoints of a guest that goes on, milliseconds. */
const HELD_MS = 5;

/** A frame up to this size is always copied out of the room. */
const SHORT_BYTES = 4 * 1024;

/** Bytes of a body that leave at once, whatever the guest does next: what a pipe holds. By a disk, it is what its slots hold. */
const EARLY_BYTES = 64 * 1024;
