import { archiveRefused } from './archive-format.ts';

/** Reads exact numbers of bytes from a stream of chunks; keeps no more than was asked for, and the chunk that it came in. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next `length` bytes; `image-refused` when there are fewer. */
  async read(length: number): Promise<Buffer> {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; ) {
      if (this.#rest.length === 0 && !(await this.#more())) throw archiveRefused('it is torn');
      const part = this.#rest.subarray(0, length - at);
      bytes.set(part, at);
      this.#rest = this.#rest.subarray(part.length);
      at += part.length;
    }
    return bytes;
  }

  /** Whether nothing follows. */
  async isAtEnd(): Promise<boolean> {
    while (this.#rest.length === 0) if (!(await this.#more())) return true;
    return false;
  }

  /** What was not read yet, as it comes. */
  async *remaining(): AsyncGenerator<Uint8Array> {
    if (this.#rest.length > 0) yield this.#rest;
    while (await this.#more()) yield this.#rest;
  }

  /** Ends the stream. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    this.#rest = done === true ? new Uint8Array() : value;
    return done !== true;
  }
}
