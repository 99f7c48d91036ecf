import { Duplex } from 'node:stream';
import { LEAST_CREDIT_BYTES, MAX_PAYLOAD_BYTES, STEP_BYTES, WINDOW_BYTES } from './wire.ts';

/** By what a stream reaches its other end. */
export interface StreamWire {
  /** Sends bytes, at most `MAX_PAYLOAD_BYTES`; `sent` is called when there is room for more. */
  data(bytes: Uint8Array, sent: () => void): void;
  end(): void;
  abort(): void;
  credit(bytes: number): void;
}

/** What a data frame counts, in bytes. */
function costOf(bytes: number): number {
  return Math.ceil(bytes / STEP_BYTES) * STEP_BYTES;
}

/**
 * One stream of a VM: a connection, or the stdin and output of a command. It holds at most a window of what the guest sent and nobody
 * reads, and sends no more than the guest gave credit for.
 */
export class RelayStream extends Duplex {
  readonly #wire: StreamWire;
  /** Bytes that the guest may send yet, as they count. */
  #window = WINDOW_BYTES;
  /** Bytes that may be sent. */
  #credit = WINDOW_BYTES;
  /** Bytes that came, and for each frame that nobody has read yet how many there were with it and what it counts. */
  #received = 0;
  readonly #unread: { readonly upTo: number; readonly cost: number }[] = [];
  /** What counts for which no credit was given yet, though it was read. */
  #owed = 0;
  #gotEnd = false;
  #sentEnd = false;
  #isOver = false;
  /** Goes on with what waits for credit. */
  #whenCredited: (() => void) | null = null;

  constructor(wire: StreamWire) {
    super({ allowHalfOpen: true, readableHighWaterMark: WINDOW_BYTES, writableHighWaterMark: WINDOW_BYTES });
    this.#wire = wire;
  }

  /** Whether no more bytes come in either direction. */
  get hasEnded(): boolean {
    return this.#gotEnd && this.#sentEnd;
  }

  /** Whether it is over at the guest's end: what is written goes nowhere. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Takes bytes of the guest; throws a sentence when it may not send them. */
  takeData(payload: Uint8Array): void {
    const cost = costOf(payload.length);
    if (payload.length === 0 || this.#gotEnd) throw new Error('expected bytes before the end of a stream, got others');
    if (cost > this.#window)
      throw new Error(`expected at most ${this.#window} bytes in a stream, got ${payload.length}`);
    this.#window -= cost;
    this.#received += payload.length;
    this.#unread.push({ upTo: this.#received, cost });
    // A copy of its own: a view would hold whatever came with it.
    const bytes = Buffer.allocUnsafeSlow(payload.length);
    bytes.set(payload);
    this.push(bytes);
    this.#giveCredit();
  }

  /** The guest sends no more; throws a sentence when it said so before. */
  takeEnd(): void {
    if (this.#gotEnd) throw new Error('expected one end of a stream, got two');
    this.#gotEnd = true;
    this.push(null);
  }

  /** The guest gives credit; throws a sentence when that is more than was used, or less than is worth a frame. */
  takeCredit(bytes: number): void {
    if (bytes < LEAST_CREDIT_BYTES || this.#credit + bytes > WINDOW_BYTES) {
      throw new Error(
        `expected credit for ${LEAST_CREDIT_BYTES} to ${WINDOW_BYTES - this.#credit} bytes, got ${bytes}`,
      );
    }
    this.#credit += bytes;
    this.#goOn();
  }

  /** It is over at the guest's end; with an error when that was not in order. */
  takeClose(error?: Error): void {
    this.#isOver = true;
    this.#goOn();
    if (error !== undefined) this.destroy(error);
    else if (!this.#gotEnd) this.push(null);
  }

  override read(size?: number): Buffer | null {
    const bytes = super.read(size) as Buffer | null;
    this.#giveCredit();
    return bytes;
  }

  override _read(): void {
    // Bytes come when they come.
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(chunk, done);
  }

  override _final(done: () => void): void {
    this.#sentEnd = true;
    if (!this.#isOver) this.#wire.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#whenCredited = null;
    if (!this.#isOver && !this.hasEnded) {
      this.#isOver = true;
      this.#wire.abort();
    }
    done(error);
  }

  #goOn(): void {
    const go = this.#whenCredited;
    this.#whenCredited = null;
    go?.();
  }

  /** Sends as much as there is credit for, the rest when there is more. */
  #send(bytes: Uint8Array, done: () => void): void {
    if (this.#isOver || bytes.length === 0) {
      done();
      return;
    }
    if (this.#credit === 0) {
      this.#whenCredited = () => this.#send(bytes, done);
      return;
    }
    const now = bytes.subarray(0, Math.min(this.#credit, MAX_PAYLOAD_BYTES));
    this.#credit -= now.length;
    this.#wire.data(now, () => this.#send(bytes.subarray(now.length), done));
  }

  /** Gives credit for what was read. */
  #giveCredit(): void {
    const read = this.#received - this.readableLength;
    while (this.#unread.length > 0 && this.#unread[0]!.upTo <= read) this.#owed += this.#unread.shift()!.cost;
    if (this.#owed < LEAST_CREDIT_BYTES || this.#gotEnd || this.#isOver) return;
    this.#window += this.#owed;
    this.#wire.credit(this.#owed);
    this.#owed = 0;
  }
}
