/** Version of the frames between a host and the relay in its VM: both say it first. */
export const WIRE_VERSION = 1;

/** Bytes before each payload: kind, 0, length of the payload (16 bits), id (32 bits); little-endian. */
export const HEADER_BYTES = 8;

/** Longest frame, in bytes: a guest chooses the size, the host pays for the memory. */
export const MAX_FRAME_BYTES = 32_768;

/** Longest payload of a frame, in bytes. */
export const MAX_PAYLOAD_BYTES = MAX_FRAME_BYTES - HEADER_BYTES;

/** Bytes that one side may send in one stream before the other has passed them on and given credit. */
export const WINDOW_BYTES = 65_536;

/** What a data frame from the guest counts in: the host keeps each, and many that are nearly empty would cost it far more than their bytes. */
export const STEP_BYTES = 256;

/** Credit is given in pieces of at least this, bytes: less would be a flood of frames. */
export const LEAST_CREDIT_BYTES = WINDOW_BYTES / 4;

/** Streams that a host may have open at once: connections into the VM and commands. The remainder of an id by it is a stream's place. */
export const HOST_STREAMS = 512;

/** Streams that programs in a VM may have open to the proxy at once. */
export const OWN_STREAMS = 256;

/** What the ids of those begin from. */
export const OWN_ID = 0x8000_0000;

/** What a frame is, by its number on the wire. */
export const KINDS = {
  /** Host: a new host; of the last one nothing goes on but what is detached. Payload: version, 32 bits. */
  reset: 1,
  /** Guest: the answer to it, and the first frame. Payload: version, 32 bits. */
  ready: 2,
  /** Host: connect to a port of the loopback. Payload: port, 32 bits. */
  connect: 3,
  /** Guest: a program took the connection. */
  connected: 4,
  /** Guest: no stream came of it. Payload: the kernel's error, 32 bits. */
  refused: 5,
  /** Guest: a program wants out. */
  open: 6,
  /** Both: bytes of a stream; never none. */
  data: 7,
  /** Both: no more bytes come in this direction. */
  end: 8,
  /** Both: the stream is over at once; a command is killed, with its group. */
  abort: 9,
  /** Both: so many more bytes may come. Payload: 32 bits. */
  credit: 10,
  /** Guest: a stream that ended both ways gave up its place. */
  closed: 11,
  /** Host: run a command. Payload: 1 for detached or 0, then the command and each variable `NAME=value`, each ended by 0. */
  run: 12,
  /** Guest: a command ended, and all its output was sent. Payload: status, 32 bits. */
  exited: 13,
  /** Host: whether programs may connect to the proxy. Payload: 1 or 0, 32 bits. */
  listen: 14,
  /** Host: write files, trim the disk, drop caches, once no stream goes on. */
  quiesce: 15,
  /** Guest: that is done. */
  quiet: 16,
} as const;

/** What a frame is. */
export type Kind = keyof typeof KINDS;

/** One frame, taken apart. The payload is a view that holds until the next bytes come: who keeps it copies it. */
export interface RelayFrame {
  readonly kind: Kind;
  readonly id: number;
  readonly payload: Uint8Array;
}

const NAMES = new Map<number, Kind>(Object.entries(KINDS).map(([name, number]) => [number, name as Kind]));

/** The bytes of a frame. Throws a `RangeError` when the payload is too long. */
export function encodeFrame(kind: Kind, id: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  if (payload.length > MAX_PAYLOAD_BYTES) {
    throw new RangeError(`expected a payload of at most ${MAX_PAYLOAD_BYTES} bytes, got ${payload.length}`);
  }
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame[0] = KINDS[kind];
  frame[1] = 0;
  frame.writeUInt16LE(payload.length, 2);
  frame.writeUInt32LE(id, 4);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** The bytes of a frame whose payload is a number. */
export function encodeNumber(kind: Kind, id: number, number: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(number);
  return encodeFrame(kind, id, payload);
}

/** The payload of `run`; see `KINDS`. */
export function encodeCommand(detached: boolean, words: readonly string[]): Buffer {
  return Buffer.concat([Buffer.from([detached ? 1 : 0]), ...words.map((word) => Buffer.from(`${word}\0`))]);
}

/** Takes frames apart, whatever the pieces in which their bytes come. Holds one frame at most. */
export class RelayFrameReader {
  #kept: Buffer = Buffer.alloc(0);

  /** The frames that are whole with these bytes; throws a sentence when they are none. */
  *push(bytes: Uint8Array): Generator<RelayFrame> {
    let rest =
      this.#kept.length === 0
        ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
        : Buffer.concat([this.#kept, bytes]);
    this.#kept = Buffer.alloc(0);
    while (rest.length >= HEADER_BYTES) {
      const kind = NAMES.get(rest[0]!);
      const end = HEADER_BYTES + rest.readUInt16LE(2);
      if (kind === undefined || rest[1] !== 0)
        throw new Error(`expected a frame, got one of kind ${rest[0]}, ${rest[1]}`);
      if (end > MAX_FRAME_BYTES) throw new Error(`expected a frame of at most ${MAX_FRAME_BYTES} bytes, got ${end}`);
      if (rest.length < end) break;
      yield { kind, id: rest.readUInt32LE(4), payload: rest.subarray(HEADER_BYTES, end) };
      rest = rest.subarray(end);
    }
    // A copy: what came may be a small piece of something large.
    this.#kept = Buffer.from(rest);
  }
}

/** The number that a payload is; throws a sentence when it is none. */
export function numberOf({ kind, payload }: RelayFrame): number {
  if (payload.length !== 4) throw new Error(`expected 4 bytes in a frame ${kind}, got ${payload.length}`);
  return new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0, true);
}
