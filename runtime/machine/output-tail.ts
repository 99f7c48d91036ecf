import type { Readable } from 'node:stream';

/** Characters of a program's output that are kept for an error message. */
const KEPT = 4000;

/** The end of what a program and its guest's console say; bounded, since the guest writes it. */
export class OutputTail {
  #text = '';

  constructor(...streams: readonly Readable[]) {
    for (const stream of streams) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        this.#text = (this.#text + text).slice(-KEPT);
      });
    }
  }

  get text(): string {
    return this.#text.trim();
  }
}
