import { type ByteSink, type ByteSource, StreamFailure } from './backend.ts';

const RESOLVED = Promise.resolve();

/** A source that is at its end. */
export const emptySource: ByteSource = {
  read: () => null,
  ready: true,
  wait: () => RESOLVED,
  close() {},
};

/** A sink that takes everything and keeps nothing. */
export const discardSink: ByteSink = {
  capacity: 1024 * 1024,
  write() {},
  wait: () => RESOLVED,
  flush: () => undefined,
  close() {},
};

/** A source of bytes that are all at hand. The bytes are not copied. */
export function memorySource(bytes: Uint8Array): ByteSource {
  let rest = bytes;
  return {
    read(max) {
      if (rest.length === 0) return null;
      const taken = rest.subarray(0, max);
      rest = rest.subarray(taken.length);
      return taken;
    },
    ready: true,
    wait: () => RESOLVED,
    close() {
      rest = rest.subarray(rest.length);
    },
  };
}

/** A sink that keeps what is written, at most `limit` bytes; a byte more fails the guest's write. */
export interface MemorySink extends ByteSink {
  /** All bytes so far, joined. */
  bytes(): Uint8Array;
  readonly closed: boolean;
}

/** Makes a `MemorySink`. */
export function memorySink(limit: number): MemorySink {
  const parts: Uint8Array[] = [];
  let length = 0;
  let closed = false;
  return {
    capacity: 1024 * 1024,
    write(bytes) {
      if (length + bytes.length > limit) throw new StreamFailure(`the output is limited to ${limit} bytes`);
      parts.push(bytes.slice());
      length += bytes.length;
    },
    wait: () => RESOLVED,
    flush: () => undefined,
    close() {
      closed = true;
    },
    bytes() {
      const joined = new Uint8Array(length);
      let at = 0;
      for (const part of parts) {
        joined.set(part, at);
        at += part.length;
      }
      return joined;
    },
    get closed() {
      return closed;
    },
  };
}
