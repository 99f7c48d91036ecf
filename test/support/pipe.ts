import { type ByteSink, type ByteSource, StreamFailure } from '../../runtime/wasi/index.ts';

/** Bytes from a sink to a source of the same process, with a window. */
export class Pipe {
  readonly sink: ByteSink;
  readonly source: ByteSource;
  readonly #windowBytes: number;
  #chunks: Uint8Array[] = [];
  #heldBytes = 0;
  #ended = false;
  #closed = false;
  #failure: string | null = null;
  #waiting: (() => void)[] = [];
  /** Most bytes that were in it at once. */
  mostBytes = 0;

  constructor(windowBytes = 64 * 1024) {
    this.#windowBytes = windowBytes;
    const pipe = this;
    this.sink = {
      get capacity() {
        return pipe.#room();
      },
      write: (bytes) => this.#write(bytes),
      wait: () => this.#wait(() => this.#settled || this.#heldBytes < windowBytes),
      flush: () => undefined,
      close: () => this.#end(),
    };
    this.source = {
      get ready() {
        return pipe.#chunks.length > 0 || pipe.#settled;
      },
      read: (max) => this.#read(max),
      wait: () => this.#wait(() => this.#chunks.length > 0 || this.#settled),
      close: () => {
        this.#closed = true;
        this.#chunks = [];
        this.#heldBytes = 0;
        this.#wake();
      },
    };
  }

  /** What is not through comes through no more, in either direction. */
  fail(why: string): void {
    if (this.#ended && this.#chunks.length === 0) return;
    this.#failure ??= why;
    this.#wake();
  }

  /** Whether the writer said that no more comes. */
  get ended(): boolean {
    return this.#ended;
  }

  get #settled(): boolean {
    return this.#ended || this.#closed || this.#failure !== null;
  }

  #room(): number {
    if (this.#failure !== null || this.#ended) throw new StreamFailure(this.#failure ?? 'no more bytes are taken');
    return this.#closed ? this.#windowBytes : this.#windowBytes - this.#heldBytes;
  }

  #write(bytes: Uint8Array): void {
    if (bytes.length > this.#room()) throw new Error('written beyond the window');
    if (this.#closed) return;
    this.#chunks.push(bytes.slice());
    this.#heldBytes += bytes.length;
    this.mostBytes = Math.max(this.mostBytes, this.#heldBytes);
    this.#wake();
  }

  #read(max: number): Uint8Array | null {
    const first = this.#chunks[0];
    if (first === undefined) {
      if (this.#failure !== null) throw new StreamFailure(this.#failure);
      return this.#ended || this.#closed ? null : new Uint8Array(0);
    }
    const taken = first.subarray(0, max);
    if (taken.length === first.length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(taken.length);
    this.#heldBytes -= taken.length;
    this.#wake();
    return taken;
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }

  #wait(until: () => boolean): Promise<void> {
    return until() ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
