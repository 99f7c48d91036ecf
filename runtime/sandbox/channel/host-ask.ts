import {
  type AnswerMessage,
  ASK_BYTES,
  ASK_WINDOW_BYTES,
  CreditedSink,
  CreditedSource,
  encodeMessage,
  type FinishMessage,
} from '../../agent/wire.ts';
import { OutsideRefusal, type OutsideRequest, type OutsideService } from '../../outside/outside-service.ts';
import type { FrameWriter } from './frame-writer.ts';

/** What the owner of an ask hears. */
export interface HostAskEvents {
  /** The host has said its last. */
  readonly over: () => void;
  /** The service does not do it. */
  readonly refused: (refusal: OutsideRefusal) => void;
  /** The service failed in a way that is no refusal. */
  readonly failed: (error: unknown) => void;
}

/** Longest explanation that a guest is given, characters. */
const DETAIL_CHARACTERS = 1000;

const EMPTY = new Uint8Array(0);

/**
 * One thing that a guest asks, done by a service of the host. It is over when the service has answered, its `end` has settled, and of
 * the bytes in either direction that it touched, it has closed those to the guest, and seen the last of those from it or closed them.
 * The guest hears of the end before the last of its own bytes has been seen: who answers a request need not have read it.
 */
export class HostAsk {
  readonly #id: number;
  readonly #writer: FrameWriter;
  readonly #events: HostAskEvents;
  readonly #abort = new AbortController();
  readonly #source: CreditedSource;
  readonly #sink: CreditedSink;
  #usesSource = false;
  #usesSink = false;
  #sourceDone = false;
  #sinkDone = false;
  /** What is said after the last byte; null as long as that is not known. */
  #end: { readonly value: unknown } | null = null;
  #finished = false;
  #over = false;

  constructor(id: number, writer: FrameWriter, events: HostAskEvents) {
    this.#id = id;
    this.#writer = writer;
    this.#events = events;
    const credit = (bytes: number) => {
      if (!this.#over) writer.message('credit', id, { bytes });
    };
    const sourceDone = () => {
      this.#sourceDone = true;
      this.#settle();
    };
    const sinkDone = () => {
      writer.raw('end', id, EMPTY);
      this.#sinkDone = true;
      this.#settle();
    };
    this.#source = new CreditedSource(ASK_WINDOW_BYTES, credit, null, sourceDone);
    // A copy: what is short leaves later, and the service goes on with its memory.
    const send = (bytes: Uint8Array) => writer.body(id, new Uint8Array(bytes));
    this.#sink = new CreditedSink(ASK_WINDOW_BYTES, send, sinkDone, writer);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The bytes from the guest; whoever takes them reads or closes them. */
  useSource(): CreditedSource {
    this.#usesSource = true;
    return this.#source;
  }

  /** The bytes to the guest; whoever takes them closes them. */
  useSink(): CreditedSink {
    this.#usesSink = true;
    return this.#sink;
  }

  /** Lets the service do it, and says how that went. Never rejects. */
  async serve(service: OutsideService, args: unknown): Promise<void> {
    let saying: 'answer' | 'finish' = 'answer';
    try {
      const { value, end } = await service(new Request(this, args));
      // It is seen when it is awaited.
      end?.catch(() => {});
      if (this.#over) return;
      const last = end === undefined && this.#isSilent && this.#isDeaf;
      this.#writer.raw('answer', this.#id, encoded({ value, last }));
      if (last) return this.#conclude();
      saying = 'finish';
      const said = { value: (await end) ?? null };
      if (this.#over) return;
      encoded({ ...said, last: true });
      if (end !== undefined && this.#usesSink) this.#sink.close();
      this.#end = said;
      this.#settle();
    } catch (error) {
      if (this.#over) return;
      this.#writer.message(saying, this.#id, this.#refusal(error));
      this.#conclude();
    }
  }

  takeBody(bytes: Uint8Array): void {
    this.#source.push(bytes);
  }

  takeEnd(): void {
    this.#source.end();
  }

  takeCredit(bytes: number): void {
    this.#sink.credit(bytes);
  }

  /** Nobody waits for it any more: the service is told, and its bytes fail. */
  abort(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#drop(why);
    this.#abort.abort(new OutsideRefusal('forgotten', why));
  }

  /** Whether no more bytes go to the guest. */
  get #isSilent(): boolean {
    return !this.#usesSink || this.#sinkDone;
  }

  /** Whether no more bytes are taken from the guest. */
  get #isDeaf(): boolean {
    return !this.#usesSource || this.#sourceDone;
  }

  #settle(): void {
    if (this.#over || this.#end === null || !this.#isSilent) return;
    if (this.#finished) {
      if (!this.#isDeaf) return;
      this.#writer.raw('forget', this.#id, EMPTY);
    } else {
      this.#finished = true;
      const last = this.#isDeaf;
      this.#writer.message('finish', this.#id, { ...this.#end, last } satisfies FinishMessage);
      if (!last) return;
    }
    this.#conclude();
  }

  #conclude(): void {
    this.#over = true;
    this.#drop('it is over');
    this.#events.over();
  }

  #drop(why: string): void {
    this.#sink.abandon();
    this.#source.fail(why);
  }

  /** What the guest is told; of a defect of ours no more than that there is one. */
  #refusal(error: unknown): FinishMessage {
    if (error instanceof OutsideRefusal) {
      this.#events.refused(error);
      return { code: error.code, detail: error.message.slice(0, DETAIL_CHARACTERS) };
    }
    this.#events.failed(error);
    return { code: 'internal', detail: 'the host failed to do it' };
  }
}

/** The request as its service sees it, which notes what bytes the service touches. */
class Request implements OutsideRequest {
  readonly args: unknown;
  readonly #ask: HostAsk;

  constructor(ask: HostAsk, args: unknown) {
    this.args = args;
    this.#ask = ask;
  }

  get source() {
    return this.#ask.useSource();
  }

  get sink() {
    return this.#ask.useSink();
  }

  get signal(): AbortSignal {
    return this.#ask.signal;
  }
}

function encoded(message: AnswerMessage): Uint8Array {
  const payload = encodeMessage(message);
  if (payload.length <= ASK_BYTES) return payload;
  throw new Error(`it answered with ${payload.length} bytes; what is more than ${ASK_BYTES} goes by its sink`);
}
