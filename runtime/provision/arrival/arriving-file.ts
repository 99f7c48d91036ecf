import { createHash } from 'node:crypto';
import { CloudletError, type Digest, digestOfHex } from '../../../guest-sdk/protocol/index.ts';
import type { LateContent } from '../../sandbox/index.ts';

/** One file of a package on its way: its pieces come in any order, each verified, and what they are together is compared with the file's digest. */
export class ArrivingFile implements LateContent {
  readonly path: string;
  readonly length: number;
  readonly pieces: readonly number[];
  readonly #digest: Digest;
  readonly #want: (piece: number) => void;
  readonly #settled: readonly PromiseWithResolvers<Uint8Array>[];
  readonly #starts: readonly number[];
  readonly #missing: Set<number>;
  /** Taken with the first piece: what an index says of lengths is believed only as far as bytes come. */
  #bytes: Uint8Array | null = null;
  #here: Uint8Array | null = null;

  /** `want` is told of a piece for which a guest waits. */
  constructor(
    { path, digest }: { readonly path: string; readonly digest: Digest },
    pieces: readonly number[],
    want: (piece: number) => void,
  ) {
    this.path = path;
    this.#digest = digest;
    this.pieces = pieces;
    this.#want = want;
    const starts = [0];
    for (const length of pieces) starts.push(starts.at(-1)! + length);
    this.#starts = starts;
    this.length = starts.at(-1)!;
    this.#missing = new Set(pieces.keys());
    this.#settled = pieces.map(() => {
      const settled = Promise.withResolvers<Uint8Array>();
      settled.promise.catch(() => {}); // Whoever waits for it hears of it; there may be nobody.
      return settled;
    });
    // Only an empty file has none.
    if (pieces.length === 0) this.#complete(new Uint8Array(0));
  }

  get here(): Uint8Array | null {
    return this.#here;
  }

  whenHere(piece: number): Promise<Uint8Array> {
    return this.#settled[piece]!.promise;
  }

  want(piece: number): void {
    if (this.#missing.has(piece)) this.#want(piece);
  }

  /** A piece came, and is what it should be. Throws `package-invalid` when it was the last, and all together are not the file; it comes to nobody then. */
  take(piece: number, bytes: Uint8Array): void {
    if (!this.#missing.has(piece)) return;
    this.#bytes ??= new Uint8Array(this.length);
    this.#bytes.set(bytes, this.#starts[piece]);
    if (this.#missing.size === 1) this.#complete(this.#bytes);
    this.#missing.delete(piece);
    this.#settled[piece]!.resolve(this.#bytes.subarray(this.#starts[piece], this.#starts[piece + 1]));
  }

  /** What has not come does not come any more. */
  fail(error: unknown): void {
    for (const { reject } of this.#settled) reject(error);
  }

  #complete(bytes: Uint8Array): void {
    const got = digestOfHex(createHash('sha256').update(bytes).digest('hex'));
    if (got !== this.#digest)
      throw new CloudletError(
        'package-invalid',
        `a layer of files, by its index: expected the file ${JSON.stringify(this.path)} with digest ${this.#digest}, got ${got}; pack it again`,
      );
    this.#here = bytes;
  }
}
