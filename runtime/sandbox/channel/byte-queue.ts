/** What a queue's owner wants to know of its reader. */
export interface ByteQueueEvents {
  /** The reader took this many bytes out of the queue. */
  readonly taken: (bytes: number) => void;
  /** The reader left before the end. */
  readonly left: () => void;
}

/**
 * Bytes on their way from one writer to one reader, who reads them with `for await`.
 * The queue itself is unbounded: its writer is held back by credit that `taken` gives back.
 */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  readonly #events: ByteQueueEvents;
  #chunks: Uint8Array[] = [];
  #end: { readonly error: unknown } | 'open' | 'ended' = 'open';
  #wake: (() => void) | null = null;

  constructor(events: ByteQueueEvents) {
    this.#events = events;
  }

  push(chunk: Uint8Array): void {
    if (this.#end !== 'open') return;
    this.#chunks.push(chunk);
    this.#wakeReader();
  }

  /** No more bytes come. */
  end(): void {
    if (this.#end !== 'open') return;
    this.#end = 'ended';
    this.#wakeReader();
  }

  /** No more bytes come, because of `error`, which the reader sees after the bytes that are here. */
  fail(error: unknown): void {
    if (this.#end !== 'open') return;
    this.#end = { error };
    this.#wakeReader();
  }

  /**
   * All bytes, taken out at once, when the writer has ended well already; else null, and nothing is taken. A small answer that came in
   * one piece need not be streamed.
   */
  whole(): Uint8Array | null {
    if (this.#end !== 'ended') return null;
    const chunks = this.#chunks;
    this.#chunks = [];
    for (const chunk of chunks) this.#events.taken(chunk.length);
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => this.#next(), return: () => this.#leave() };
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#events.taken(chunk.length);
        return { done: false, value: chunk };
      }
      if (this.#end === 'ended') return { done: true, value: undefined };
      if (this.#end !== 'open') throw this.#end.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async #leave(): Promise<IteratorResult<Uint8Array>> {
    const unfinished = this.#end === 'open' || this.#chunks.length > 0;
    this.#chunks = [];
    if (this.#end === 'open') this.#end = 'ended';
    if (unfinished) this.#events.left();
    return { done: true, value: undefined };
  }

  #wakeReader(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
