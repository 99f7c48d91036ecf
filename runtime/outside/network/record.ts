import type { ByteSink, ByteSource } from '../../wasi/index.ts';

/**
 * Records in a stream of bytes: a length of four bytes, then as many bytes. They carry what a stream cannot say by itself: where a
 * datagram ends, that a body is complete. No `node:` import: both sides of the channel use it.
 */

const HEADER_BYTES = 4;

/** The record of some bytes. */
export function recordOf(bytes: Uint8Array): Uint8Array {
  const record = new Uint8Array(HEADER_BYTES + bytes.length);
  new DataView(record.buffer).setUint32(0, bytes.length);
  record.set(bytes, HEADER_BYTES);
  return record;
}

/** Bytes of a record that a sink takes now. */
export function recordRoom(sink: ByteSink): number {
  return Math.max(0, sink.capacity - HEADER_BYTES);
}

/** Writes all bytes, waiting for room. Rejects with `StreamFailure` when the sink takes no more. */
export async function writeAll(sink: ByteSink, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const room = sink.capacity;
    if (room <= 0) {
      await sink.wait();
      continue;
    }
    sink.write(bytes.subarray(at, at + room));
    at += room;
  }
}

/** Reads records. What comes is not trusted: no length is believed before its bytes are there. */
export class RecordReader {
  readonly #source: ByteSource;
  #left = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Begins the next record and gives its length; null when the stream ended before it. The one before must be read to its end. */
  async begin(): Promise<number | null> {
    let length = 0;
    for (let got = 0; got < HEADER_BYTES; ) {
      const bytes = await this.#some(HEADER_BYTES - got);
      if (bytes === null) return null;
      for (const byte of bytes) length = length * 256 + byte;
      got += bytes.length;
    }
    this.#left = length;
    return length;
  }

  /** More of the record's bytes, valid until the next call; empty at its end, null when the stream ended within it. */
  async more(): Promise<Uint8Array | null> {
    if (this.#left === 0) return EMPTY;
    const bytes = await this.#some(this.#left);
    this.#left -= bytes?.length ?? 0;
    return bytes;
  }

  /** The next record as a whole; null when the stream ended before its end, or it is longer than `limit`. */
  async whole(limit: number): Promise<Uint8Array | null> {
    const length = await this.begin();
    if (length === null || length > limit) return null;
    const whole = new Uint8Array(length);
    while (this.#left > 0) {
      const bytes = await this.more();
      if (bytes === null) return null;
      whole.set(bytes, length - this.#left - bytes.length);
    }
    return whole;
  }

  async #some(max: number): Promise<Uint8Array | null> {
    for (;;) {
      const bytes = this.#source.read(max);
      if (bytes === null || bytes.length > 0) return bytes;
      await this.#source.wait();
    }
  }
}

const EMPTY = new Uint8Array(0);
