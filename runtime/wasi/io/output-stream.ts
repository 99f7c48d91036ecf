import { type ByteSink, StreamFailure } from '../backend.ts';
import type { Context, Readiness } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import { GuestTrap } from '../guest-end.ts';
import { IoError, type StreamError } from './error.ts';
import type { InputStream } from './input-stream.ts';
import { clipLength } from './length.ts';
import { Pollable } from './pollable.ts';
import { Waker, wakerOf } from './waker.ts';
import { Watch } from './watch.ts';

/** Longest list that `blocking-write-and-flush` and its sibling for zeroes take; WASI says 4096. */
const BLOCKING_WRITE_BYTES = 4096;
const ZEROES = new Uint8Array(64 * 1024);
const CLOSED: StreamError = { tag: 'closed' };

/** `wasi:io/streams`'s resource `output-stream` over a `ByteSink`. */
export class OutputStream {
  readonly #context: Context;
  readonly #sink: ByteSink;
  readonly #onDrop: (() => void) | null;
  /** Made for a guest that waits: most never do. */
  #readiness: Readiness | null = null;
  #flushReadiness: Readiness | null = null;
  #flushWaker: Waker | null = null;
  /** Bytes that the last `check-write` permitted and that are not written yet. */
  #permit = 0;
  #flushing: Promise<void> | null = null;
  #failure: StreamFailure | null = null;
  #closed = false;
  #dropped = false;

  /** `onDrop` runs once, when the guest drops the stream; without one the sink is closed. */
  constructor(context: Context, sink: ByteSink, onDrop: (() => void) | null = null) {
    context.retain();
    this.#context = context;
    this.#sink = sink;
    this.#onDrop = onDrop;
  }

  checkWrite(): bigint {
    this.#permit = this.#room();
    return BigInt(this.#permit);
  }

  write(contents: Uint8Array): void {
    this.#spend(contents.length);
    this.#put(contents);
  }

  writeZeroes(length: bigint): void {
    const zeroes = this.#zeroesWithin(length, this.#permit);
    this.#spend(zeroes);
    this.#putZeroes(zeroes);
  }

  flush(): void {
    this.#throwIfEnded();
    if (this.#flushing !== null) return;
    const flushed = this.#guarded(() => this.#sink.flush());
    if (flushed === undefined) return;
    // Nothing may be written while a flush is on its way.
    this.#permit = 0;
    this.#flushing = flushed.then(
      () => this.#flushed(null),
      (error: unknown) => this.#flushed(error instanceof StreamFailure ? error : new StreamFailure(String(error))),
    );
  }

  blockingFlush(): Promise<void> | undefined {
    this.flush();
    if (this.#flushing === null) return undefined;
    return this.#context.untilAny([this.#whenFlushed]).then(() => this.#throwIfFailed());
  }

  blockingWriteAndFlush(contents: Uint8Array): Promise<void> | undefined {
    if (contents.length > BLOCKING_WRITE_BYTES) {
      throw new GuestTrap(
        `blocking-write-and-flush takes at most ${BLOCKING_WRITE_BYTES} bytes, got ${contents.length}`,
      );
    }
    if (this.#room() < contents.length) return this.#writeLater(contents);
    if (contents.length > 0) this.#put(contents);
    return this.blockingFlush();
  }

  blockingWriteZeroesAndFlush(length: bigint): Promise<void> | undefined {
    return this.blockingWriteAndFlush(ZEROES.subarray(0, this.#zeroesWithin(length, BLOCKING_WRITE_BYTES)));
  }

  splice(source: InputStream, length: bigint): bigint {
    const room = this.#room();
    const bytes = source.read(BigInt(clipLength(length, room)));
    if (bytes.length > 0) this.#put(bytes);
    return BigInt(bytes.length);
  }

  blockingSplice(source: InputStream, length: bigint): bigint | Promise<bigint> {
    if (length > 0n && this.#room() === 0) return this.#spliceLater(source, length);
    const bytes = source.blockingRead(BigInt(clipLength(length, this.#room())));
    if (bytes instanceof Promise) return bytes.then((read) => this.#putSpliced(read));
    return this.#putSpliced(bytes);
  }

  subscribe(): Pollable {
    return new Pollable(this.#context, this.#whenReady);
  }

  /** Whether the guest has dropped it. */
  get dropped(): boolean {
    return this.#dropped;
  }

  [DISPOSE](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#closed = true;
    this.#context.release();
    if (this.#onDrop === null) this.#sink.close();
    else this.#onDrop();
  }

  get #whenReady(): Readiness {
    this.#readiness ??= new Watch(
      () => this.#ready(),
      () => (this.#flushing === null ? wakerOf(this.#sink) : this.#flushes),
    );
    return this.#readiness;
  }

  get #whenFlushed(): Readiness {
    this.#flushReadiness ??= new Watch(
      () => this.#flushing === null,
      () => this.#flushes,
    );
    return this.#flushReadiness;
  }

  get #flushes(): Waker {
    this.#flushWaker ??= new Waker({ wait: () => this.#flushing ?? Promise.resolve() });
    return this.#flushWaker;
  }

  async #writeLater(contents: Uint8Array): Promise<void> {
    let rest = contents;
    while (rest.length > 0) {
      const room = this.#room();
      if (room === 0) {
        await this.#context.untilAny([this.#whenReady]);
        continue;
      }
      this.#put(rest.subarray(0, room));
      rest = rest.subarray(room);
    }
    await this.blockingFlush();
  }

  async #spliceLater(source: InputStream, length: bigint): Promise<bigint> {
    await this.#context.untilAny([this.#whenReady]);
    return this.blockingSplice(source, length);
  }

  #putSpliced(bytes: Uint8Array): bigint {
    if (bytes.length > 0) this.#put(bytes);
    return BigInt(bytes.length);
  }

  #putZeroes(count: number): void {
    for (let left = count; left > 0; left -= ZEROES.length)
      this.#put(ZEROES.subarray(0, Math.min(left, ZEROES.length)));
  }

  #zeroesWithin(length: bigint, limit: number): number {
    if (length > BigInt(limit)) throw new GuestTrap(`expected at most ${limit} zeroes, got ${length}`);
    return Number(length);
  }

  #spend(length: number): void {
    this.#throwIfEnded();
    if (length > this.#permit) {
      throw new GuestTrap(`check-write permitted ${this.#permit} bytes, the guest wrote ${length}`);
    }
    this.#permit -= length;
    // A permit may have been overtaken by another write to the same sink; its window holds all the same.
    if (length > this.#room())
      throw new GuestTrap(`the permit of ${length} bytes was already used up by another write`);
  }

  /** Bytes that may be written now; throws the typed error when the stream has ended. */
  #room(): number {
    this.#throwIfEnded();
    if (this.#flushing !== null) return 0;
    return Math.min(
      this.#guarded(() => this.#sink.capacity),
      this.#context.backend.limits.transferBytes,
    );
  }

  #put(bytes: Uint8Array): void {
    this.#context.worked(bytes.length);
    this.#guarded(() => this.#sink.write(bytes));
  }

  #ready(): boolean {
    if (this.#closed || this.#failure !== null) return true;
    if (this.#flushing !== null) return false;
    try {
      return this.#sink.capacity > 0;
    } catch {
      // The failure is told by the next operation; a poll must only come to it.
      return true;
    }
  }

  #flushed(failure: StreamFailure | null): void {
    this.#flushing = null;
    if (failure !== null) this.#failure ??= failure;
  }

  #guarded<Result>(operation: () => Result): Result {
    try {
      return operation();
    } catch (error) {
      if (!(error instanceof StreamFailure)) throw error;
      this.#failure = error;
      return this.#throwIfFailed() as never;
    }
  }

  #throwIfEnded(): void {
    if (this.#closed) throw CLOSED;
    this.#throwIfFailed();
  }

  /** Tells a failure once; the stream is closed afterwards. */
  #throwIfFailed(): void {
    const failure = this.#failure;
    if (failure === null) return;
    this.#failure = null;
    this.#closed = true;
    throw { tag: 'last-operation-failed', val: new IoError(this.#context, failure) } satisfies StreamError;
  }
}
