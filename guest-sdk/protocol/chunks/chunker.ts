import { GEAR } from './gear.ts';

/** How long chunks are, bytes: none but the last is shorter than `least`, none is longer than `most`, and most are near `usual`. */
export const CHUNK_BYTES = { least: 16 * 1024, usual: 64 * 1024, most: 256 * 1024 } as const;

/** Before the usual length a chunk ends where these bits are zero, once in 2^18 bytes; after it once in 2^14: lengths gather around the usual. */
const STRICT = 0xffffc000 | 0;
const LAX = 0xfffc0000 | 0;

/**
 * Says where chunks end, by what the bytes are and not by where they lie (FastCDC): after a change the same chunks are found again behind
 * it. Takes bytes in pieces of any length, which make no difference.
 */
export class Chunker {
  #length = 0;
  #hash = 0;

  /** The end of the present chunk in `bytes`, looked for from `from` on; -1 when the chunk goes on behind them. */
  cut(bytes: Uint8Array, from: number): number {
    const start = from + Math.min(Math.max(0, CHUNK_BYTES.least - this.#length), bytes.length - from);
    const strictEnd = from + Math.min(Math.max(0, CHUNK_BYTES.usual - this.#length), bytes.length - from);
    const laxEnd = from + Math.min(CHUNK_BYTES.most - this.#length, bytes.length - from);
    let hash = this.#hash;
    let at = start;
    while (at < strictEnd) {
      hash = ((hash << 1) + GEAR[bytes[at]!]!) | 0;
      at += 1;
      if ((hash & STRICT) === 0) return this.#ended(at);
    }
    while (at < laxEnd) {
      hash = ((hash << 1) + GEAR[bytes[at]!]!) | 0;
      at += 1;
      if ((hash & LAX) === 0) return this.#ended(at);
    }
    this.#length += bytes.length - from;
    this.#hash = hash;
    return this.#length >= CHUNK_BYTES.most || at < bytes.length ? this.#ended(at) : -1;
  }

  /** Ends the present chunk here, whatever the bytes are. */
  end(): void {
    this.#ended(0);
  }

  #ended(at: number): number {
    this.#length = 0;
    this.#hash = 0;
    return at;
  }
}

/** The chunks of bytes that come in pieces; each is a copy of its own. Memory: one chunk and one piece. */
export async function* chunksOf(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunker = new Chunker();
  let held: Uint8Array[] = [];
  for await (const piece of pieces) {
    let from = 0;
    for (;;) {
      const end = from < piece.length ? chunker.cut(piece, from) : -1;
      if (end === -1) break;
      held.push(piece.subarray(from, end));
      yield joined(held);
      held = [];
      from = end;
    }
    if (from < piece.length) held.push(piece.slice(from));
  }
  if (held.length > 0) yield joined(held);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
