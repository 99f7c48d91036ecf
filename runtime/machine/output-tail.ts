import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** Characters of a program's output that are kept for an error message. */
const KEPT = 4000;

/** The end of what a program and its guest's console say; bounded, since the guest writes it. */
export class OutputTail {
  #text = '';

  constructor(...streams: readonly Readable[]) {
    for (const stream of streams) {
      // Others may want the bytes.
      const decoder = new StringDecoder('utf8');
      stream.on('data', (bytes: Buffer | string) => {
        const text = typeof bytes === 'string' ? bytes : decoder.write(bytes);
        this.#text = (this.#text + text).slice(-KEPT);
      });
    }
  }

  get text(): string {
    return this.#text.trim();
  }
}
