/** How the reading ended. */
type End = 'ended' | 'left' | { readonly error: unknown };

/**
 * Bytes that pass somebody, for a second reader: he is given each piece, holds the first reader back until he has taken it, and may leave whenever
 * he likes. Memory: one piece.
 */
export class SecondReader implements AsyncIterable<Uint8Array> {
  #given: { readonly bytes: Uint8Array; readonly taken: () => void } | null = null;
  #end: 'open' | End = 'open';
  #wake: () => void = () => undefined;

  /** The same bytes, of which he is given each piece. When they break off, so do his. */
  async *passing(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let isWhole = false;
    try {
      for await (const piece of bytes) {
        await this.#give(piece);
        yield piece;
      }
      isWhole = true;
    } finally {
      this.#finish(isWhole ? 'ended' : { error: new Error('what he reads along broke off') });
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        if (this.#given === null) {
          if (this.#end === 'ended') return;
          if (typeof this.#end === 'object') throw this.#end.error;
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          continue;
        }
        const { bytes, taken } = this.#given;
        this.#given = null;
        taken();
        yield bytes;
      }
    } finally {
      this.#finish('left');
      this.#given?.taken();
    }
  }

  #give(bytes: Uint8Array): Promise<void> {
    if (this.#end !== 'open') return Promise.resolve();
    return new Promise((taken) => {
      this.#given = { bytes, taken };
      this.#wake();
    });
  }

  #finish(end: End): void {
    if (this.#end === 'open') this.#end = end;
    this.#wake();
  }
}
