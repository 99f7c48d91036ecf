import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';

/** Takes so many bytes at a time of a stream whose pieces have any length. */
export class PieceReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #address: string;
  #left: Uint8Array = new Uint8Array(0);

  constructor(bytes: AsyncIterable<Uint8Array>, address: string) {
    this.#pieces = bytes[Symbol.asyncIterator]();
    this.#address = address;
  }

  /** The next so many bytes; `network-unavailable` when the stream ends before. The caller has bounded how many. */
  async take(count: number): Promise<Buffer> {
    const taken = Buffer.alloc(count);
    let filled = 0;
    while (filled < count) {
      if (this.#left.length === 0) {
        const { done, value } = await this.#pieces.next();
        if (done === true) {
          const sentence = `${this.#address}: expected ${count} more bytes, it ended after ${filled}`;
          throw new CloudletError('network-unavailable', sentence);
        }
        this.#left = value;
      }
      const part = this.#left.subarray(0, count - filled);
      taken.set(part, filled);
      filled += part.length;
      this.#left = this.#left.subarray(part.length);
    }
    return taken;
  }
}
