import { createHash } from 'node:crypto';
import { CloudletError, type Digest, digestOfHex } from '../../guest-sdk/protocol/index.ts';

/** A body on its way: counted, bounded and hashed as a whole, whatever is in it. */
export class WatchedBody implements AsyncIterable<Uint8Array> {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #limitBytes: number;
  readonly #onBytes: (total: number) => void;
  readonly #hash = createHash('sha256');
  #bytes = 0;

  constructor(body: AsyncIterable<Uint8Array>, limitBytes: number, onBytes: (total: number) => void) {
    this.#body = body;
    this.#limitBytes = limitBytes;
    this.#onBytes = onBytes;
  }

  /** Throws `body-truncated` unless what came is what the sender said it would be. */
  check(declaredBytes: number | undefined, declaredDigest: Digest | undefined): void {
    if (declaredBytes !== undefined && declaredBytes !== this.#bytes) {
      throw new CloudletError(
        'body-truncated',
        `expected a body of ${declaredBytes} bytes, got ${this.#bytes}; send it again`,
      );
    }
    const digest = digestOfHex(this.#hash.digest('hex'));
    if (declaredDigest !== undefined && declaredDigest !== digest) {
      throw new CloudletError(
        'body-truncated',
        `expected a body with digest ${declaredDigest}, got ${digest}; send it again`,
      );
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#body) {
      this.#bytes += chunk.length;
      if (this.#bytes > this.#limitBytes) throw tooLarge(this.#limitBytes, undefined);
      this.#hash.update(chunk);
      yield chunk;
      this.#onBytes(this.#bytes);
    }
  }
}

/** A body is a tar when its first block has the mark of one; a component begins with `\\0asm`. */
export function isTar(start: Uint8Array): boolean {
  return start.length === 512 && Buffer.from(start.subarray(257, 262)).toString('latin1') === 'ustar';
}

/** Whether bytes begin as a component or a module does. */
export function isWebAssembly(start: Uint8Array): boolean {
  return start.length >= 4 && Buffer.from(start.subarray(0, 4)).toString('latin1') === '\0asm';
}

/** The refusal of a body of so many bytes, as far as they were declared. */
export function tooLarge(limitBytes: number, declared: number | undefined): CloudletError {
  const came = declared === undefined ? 'more' : `${declared}`;
  return new CloudletError('body-too-large', `expected a body of at most ${limitBytes} bytes, got ${came}`);
}
