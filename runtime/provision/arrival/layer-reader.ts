import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdDecompress } from 'node:zlib';
import { CloudletError, digestOfHex, type IndexedFile, type LayerIndex } from '../../../guest-sdk/protocol/index.ts';

const decompress = promisify(zstdDecompress);

/** Gives bytes of what travels from `start` to before `end`; `urgent`: before all else that is on its way. */
export type RangeReader = (start: number, end: number, urgent: boolean) => Promise<Uint8Array>;

/** Reads single files of a layer by its index, wherever they are in it, and compares each with its digest. */
export class LayerReader {
  readonly #index: LayerIndex;
  readonly #start: number;
  readonly #read: RangeReader;
  /** The piece that was expanded last: small files share one. */
  #last: { readonly frame: number; readonly bytes: Promise<Uint8Array> } | null = null;

  /** A layer whose first byte is at `start` of what `read` gives. */
  constructor(index: LayerIndex, start: number, read: RangeReader) {
    this.#index = index;
    this.#start = start;
    this.#read = read;
  }

  /** The verified bytes of a file; `package-invalid` when they are not what the index says. */
  async file({ path, at, bytes: length, digest }: IndexedFile, urgent: boolean): Promise<Uint8Array> {
    const bytes =
      this.#index.frames.length === 0
        ? await this.#read(this.#start + at, this.#start + at + length, urgent)
        : await this.#expanded(at, length, urgent);
    const got = digestOfHex(createHash('sha256').update(bytes).digest('hex'));
    if (got !== digest) throw invalid(`the file ${JSON.stringify(path)} with digest ${digest}, got ${got}`);
    return bytes;
  }

  async #expanded(at: number, length: number, urgent: boolean): Promise<Uint8Array> {
    const whole = new Uint8Array(length);
    let [from, expandedFrom, filled] = [this.#start, 0, 0];
    for (const [frame, [bytes, expandedBytes]] of this.#index.frames.entries()) {
      const expandedTo = expandedFrom + expandedBytes;
      if (expandedTo > at && expandedFrom < at + length) {
        const expanded = await this.#frame(frame, from, from + bytes, expandedBytes, urgent);
        const piece = expanded.subarray(Math.max(0, at - expandedFrom), at + length - expandedFrom);
        whole.set(piece, filled);
        filled += piece.length;
      }
      from += bytes;
      expandedFrom = expandedTo;
    }
    if (filled !== length) throw invalid(`pieces with ${length} bytes from ${at} on, got ${filled}`);
    return whole;
  }

  #frame(frame: number, from: number, to: number, expandedBytes: number, urgent: boolean): Promise<Uint8Array> {
    // Who is urgent asks anew: what was asked before may be far behind.
    if (this.#last?.frame === frame && !urgent) return this.#last.bytes;
    const bytes = this.#read(from, to, urgent).then((packed) => expand(packed, expandedBytes));
    bytes.catch(() => {}); // Seen by who asked.
    this.#last = { frame, bytes };
    return bytes;
  }
}

async function expand(packed: Uint8Array, expandedBytes: number): Promise<Uint8Array> {
  const params = { [constants.ZSTD_d_windowLogMax]: 24 };
  const bytes = await decompress(packed, { params, maxOutputLength: Math.max(1, expandedBytes) }).catch(
    (error: Error) => {
      throw invalid(`a piece of zstd that expands to ${expandedBytes} bytes, got one that does not: ${error.message}`);
    },
  );
  if (bytes.length === expandedBytes) return bytes;
  throw invalid(`a piece that expands to ${expandedBytes} bytes, got ${bytes.length}`);
}

function invalid(expected: string): CloudletError {
  return new CloudletError('package-invalid', `a layer of files, by its index: expected ${expected}; pack it again`);
}
