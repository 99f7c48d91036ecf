/** A part as it travels. */
export interface PackedPart {
  readonly bytes: Uint8Array;
  /** What its bytes are in, when they are not the part's own. */
  readonly encoding: 'gzip' | null;
}

/** What must be saved of a part to be worth the time of whoever expands it. */
const WORTH = 0.05;

/** Parts shorter than this fit into a packet or two as they are. */
const SHORT_BYTES = 2048;

/** A link faster than this carries bytes sooner than a phone makes fewer of them: 100 Mbit/s, in bytes a millisecond. */
const FAST_BYTES_PER_MS = 12_500;

/** Parts in a row that were not worth it, after which only some are tried. */
const IN_VAIN = 4;
const TRIED_THEN = 16;

/** Makes parts shorter for a slow link, as long as that gains something: code does, what is compressed already does not. */
export class PartPacker {
  readonly #now: () => number;
  readonly #beganAt: number;
  #sentBytes = 0;
  #inVain = 0;
  #isRefused = false;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#beganAt = now();
  }

  /** A part as it should travel. */
  async pack(bytes: Uint8Array): Promise<PackedPart> {
    if (!this.#isWorthATry(bytes)) return { bytes, encoding: null };
    const packed = await gzip(bytes);
    if (packed.length <= bytes.length * (1 - WORTH)) {
      this.#inVain = 0;
      return { bytes: packed, encoding: 'gzip' };
    }
    this.#inVain += 1;
    return { bytes, encoding: null };
  }

  /** Bytes that arrived: how fast the link is. */
  sent(bytes: number): void {
    this.#sentBytes += bytes;
  }

  /** The cloudlet takes parts only as they are. */
  refused(): void {
    this.#isRefused = true;
  }

  #isWorthATry(bytes: Uint8Array): boolean {
    if (this.#isRefused || bytes.length < SHORT_BYTES || typeof CompressionStream === 'undefined') return false;
    if (this.#sentBytes / Math.max(1, this.#now() - this.#beganAt) > FAST_BYTES_PER_MS) return false;
    if (this.#inVain < IN_VAIN) return true;
    this.#inVain += 1;
    return this.#inVain % TRIED_THEN === 0;
  }
}

async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
