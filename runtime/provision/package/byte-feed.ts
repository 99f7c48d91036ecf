import { CloudletError } from '../../../guest-sdk/protocol/index.ts';

const EMPTY = new Uint8Array(0);

/** Bytes that come in chunks, taken in the lengths that a reader wants. Holds no more than one chunk beyond what it was asked to peek at. */
export class ByteFeed {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = EMPTY;
  #taken = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** Bytes that were taken. */
  get takenBytes(): number {
    return this.#taken;
  }

  /** The next bytes, which stay: fewer than `length` at the end only. */
  async peek(length: number): Promise<Uint8Array> {
    const parts = [this.#chunk];
    for (let held = this.#chunk.length; held < length; ) {
      const next = await this.#next();
      if (next.done === true) break;
      parts.push(next.value);
      held += next.value.length;
    }
    const full = parts.filter((part) => part.length > 0);
    this.#chunk = full.length > 1 ? Buffer.concat(full) : (full[0] ?? EMPTY);
    return this.#chunk.subarray(0, length);
  }

  /** Exactly so many bytes; `body-truncated` when they do not come. */
  async take(length: number): Promise<Uint8Array> {
    const bytes = await this.peek(length);
    if (bytes.length < length) throw this.#cut(length - bytes.length);
    // An empty view would keep all the bytes that it is a view of.
    this.#chunk = this.#chunk.length === length ? EMPTY : this.#chunk.subarray(length);
    this.#taken += length;
    return bytes;
  }

  /** Exactly so many bytes, as they come. */
  async *stream(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0; ) {
      if ((await this.peek(1)).length === 0) throw this.#cut(left);
      const piece = await this.take(Math.min(left, this.#chunk.length));
      left -= piece.length;
      yield piece;
    }
  }

  /** All that is left. */
  async *rest(): AsyncGenerator<Uint8Array> {
    while ((await this.peek(1)).length > 0) yield await this.take(this.#chunk.length);
  }

  /** Lets go of the source. */
  async close(): Promise<void> {
    await this.#iterator.return?.();
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await this.#iterator.next();
    } catch (error) {
      if (error instanceof CloudletError) throw error;
      const sentence = `expected the whole body, it broke off after ${this.#taken} bytes; send it again`;
      throw new CloudletError('body-truncated', sentence, { cause: error });
    }
  }

  #cut(missing: number): CloudletError {
    return new CloudletError(
      'body-truncated',
      `expected ${missing} more bytes after ${this.#taken}, got the end; send it again`,
    );
  }
}
