import { type ByteSink, StreamFailure } from '../backend.ts';
import type { HttpErrorCode } from './error-code.ts';
import type { FieldEntry } from './field.ts';

/** How a body ended. */
export type BodyEnd =
  | { readonly kind: 'finished'; readonly trailers: readonly FieldEntry[] }
  | { readonly kind: 'truncated'; readonly detail: string };

/**
 * What a guest's body writes into. Until the response is set, or the request sent, its bytes are held, within a window; then they flow
 * to the sink that the answer got. It also holds the body to its declared length.
 */
export class BodyPipe implements ByteSink {
  readonly #windowBytes: number;
  readonly #declared: number | null;
  readonly #wrongSize: 'HTTP-request-body-size' | 'HTTP-response-body-size';
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #written = 0;
  #target: ByteSink | null = null;
  #bodyless = false;
  #end: BodyEnd | null = null;
  #failure: StreamFailure | null = null;
  #onEnd: ((end: BodyEnd) => void) | null = null;
  #wake: (() => void) | null = null;
  #moved: Promise<void> | null = null;

  /** `declared`: the length that `content-length` declares, null when there is none; `wrongSize`: what a body of another length is. */
  constructor(
    windowBytes: number,
    declared: number | null,
    wrongSize: 'HTTP-request-body-size' | 'HTTP-response-body-size' = 'HTTP-response-body-size',
  ) {
    this.#windowBytes = windowBytes;
    this.#declared = declared;
    this.#wrongSize = wrongSize;
  }

  get capacity(): number {
    if (this.#failure !== null) throw this.#failure;
    if (this.#target !== null && this.#heldBytes === 0) return this.#target.capacity;
    return this.#windowBytes - this.#heldBytes;
  }

  write(bytes: Uint8Array): void {
    const written = this.#written + bytes.length;
    if (this.#declared !== null && written > this.#declared) {
      const http: HttpErrorCode = { tag: this.#wrongSize, val: BigInt(written) };
      this.#failure = new StreamFailure(`content-length is ${this.#declared}, the body has more bytes`, { http });
      throw this.#failure;
    }
    this.#written = written;
    if (this.#target !== null && this.#heldBytes === 0) {
      this.#target.write(bytes);
      return;
    }
    this.#held.push(bytes.slice());
    this.#heldBytes += bytes.length;
  }

  wait(): Promise<void> {
    if (this.#target !== null && this.#heldBytes === 0) return this.#target.wait();
    this.#moved ??= new Promise((resolve) => {
      this.#wake = resolve;
    });
    return this.#moved;
  }

  /** Held bytes count as handed on: a guest may flush before it sets its response, and would wait for itself. */
  flush(): Promise<void> | undefined {
    return this.#target !== null && this.#heldBytes === 0 ? this.#target.flush() : undefined;
  }

  /** The stream was dropped; the body may still be finished. */
  close(): void {}

  /** Lets the bytes flow. `bodyless`: the answer carries no body whatever its headers say, as to a HEAD request. */
  attach(target: ByteSink, bodyless: boolean, onEnd: (end: BodyEnd) => void): void {
    this.#target = target;
    this.#bodyless = bodyless;
    this.#onEnd = onEnd;
    this.#drain();
  }

  /** The bytes will go nowhere: the guest's writes fail. */
  refuse(detail: string): void {
    this.#failure ??= new StreamFailure(detail);
    this.#held = [];
    this.#heldBytes = 0;
    this.#moveOn();
  }

  /** The guest finished the body. Gives the error code when its length is not the declared one. */
  finish(trailers: readonly FieldEntry[]): HttpErrorCode | undefined {
    const short =
      this.#declared !== null && this.#written !== this.#declared && !(this.#bodyless && this.#written === 0);
    if (short || this.#failure?.http !== undefined) {
      this.truncate(`content-length is ${this.#declared}, the body has another length`);
      return { tag: this.#wrongSize, val: BigInt(this.#written) };
    }
    this.#end ??= { kind: 'finished', trailers };
    this.#settle();
    return undefined;
  }

  /** The body will not be complete. */
  truncate(detail: string): void {
    this.#end ??= { kind: 'truncated', detail };
    this.#settle();
  }

  #drain(): void {
    try {
      while (this.#held.length > 0 && this.#target !== null) {
        const room = this.#target.capacity;
        if (room <= 0) {
          const again = () => this.#drain();
          this.#target.wait().then(again, again);
          return;
        }
        this.#handOn(this.#target, room);
      }
    } catch (error) {
      if (!(error instanceof StreamFailure)) throw error;
      this.#failure = error;
      this.#held = [];
      this.#heldBytes = 0;
      this.#end = { kind: 'truncated', detail: error.message };
    }
    this.#settle();
    this.#moveOn();
  }

  #handOn(target: ByteSink, room: number): void {
    const first = this.#held[0]!;
    const now = first.subarray(0, room);
    target.write(now);
    this.#heldBytes -= now.length;
    if (now.length === first.length) this.#held.shift();
    else this.#held[0] = first.subarray(room);
    this.#moveOn();
  }

  #moveOn(): void {
    this.#wake?.();
    this.#wake = null;
    this.#moved = null;
  }

  #settle(): void {
    if (this.#end === null || this.#onEnd === null || (this.#heldBytes > 0 && this.#end.kind === 'finished')) return;
    const tell = this.#onEnd;
    this.#onEnd = null;
    this.#target?.close();
    tell(this.#end);
  }
}
