/** The guest's end of a relay's port, spoken by a test. */
import { type Duplex, duplexPair } from 'node:stream';
import { RelayConnection } from '../../runtime/vm/relay/relay-connection.ts';
import {
  encodeFrame,
  encodeNumber,
  HEADER_BYTES,
  KINDS,
  type Kind,
  WIRE_VERSION,
} from '../../runtime/vm/relay/wire.ts';

/** A frame of the host's. */
export interface HostFrame {
  readonly kind: Kind;
  readonly id: number;
  readonly payload: Buffer;
}

/** No stream ever has it. */
const NO_STREAM = 0x7fff_ffff;
const NAMES = new Map(Object.entries(KINDS).map(([name, number]) => [number as number, name as Kind]));

/** Takes the host's frames apart by itself, so that a mistake of the product's reader is not its own. */
export class FakeRelay {
  readonly port: Duplex;
  readonly #frames: HostFrame[] = [];
  #waiting: (() => void) | null = null;
  #bytes = Buffer.alloc(0);

  constructor(port: Duplex) {
    this.port = port;
    port.on('error', () => undefined);
    port.on('data', (bytes: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      while (this.#bytes.length >= HEADER_BYTES) {
        const end = HEADER_BYTES + this.#bytes.readUInt16LE(2);
        if (this.#bytes.length < end) break;
        const [kind, id] = [NAMES.get(this.#bytes[0]!)!, this.#bytes.readUInt32LE(4)];
        this.#frames.push({ kind, id, payload: Buffer.from(this.#bytes.subarray(HEADER_BYTES, end)) });
        this.#bytes = this.#bytes.subarray(end);
      }
      this.#waiting?.();
    });
  }

  /** The host's next frame; fails when it is of another kind. */
  async next(kind: Kind): Promise<HostFrame> {
    while (this.#frames.length === 0) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    const frame = this.#frames.shift()!;
    if (frame.kind !== kind) throw new Error(`expected ${kind} of the host, got ${frame.kind} of ${frame.id}`);
    return frame;
  }

  /** The host's wish that the VM be still, behind zeros that overwrite what the kernel has kept; gives how many they were. */
  async nextQuiesce(): Promise<number> {
    let zeros = 0;
    for (;;) {
      while (this.#frames.length === 0) await new Promise<void>((resolve) => (this.#waiting = resolve));
      if (this.#frames[0]!.kind !== 'data') break;
      const { id, payload } = this.#frames.shift()!;
      if (id !== NO_STREAM || payload.some((byte) => byte !== 0))
        throw new Error(`expected zeros for no stream, got data of ${id}`);
      zeros += payload.length;
    }
    await this.next('quiesce');
    return zeros;
  }

  /** Frames that came and were not asked for. */
  get unasked(): readonly Kind[] {
    return this.#frames.map(({ kind }) => kind);
  }

  say(kind: Kind, id = 0, payload: Uint8Array | number = new Uint8Array(0)): void {
    this.port.write(typeof payload === 'number' ? encodeNumber(kind, id, payload) : encodeFrame(kind, id, payload));
  }

  /** Answers a new host. */
  async greet(): Promise<void> {
    await this.next('reset');
    this.say('ready', 0, WIRE_VERSION);
  }
}

/** A connection that is ready, its guest's end, and what it was broken for. */
export async function relayPair() {
  const [near, far] = duplexPair();
  const broken: string[] = [];
  const connection = new RelayConnection(near, (reason) => broken.push(reason));
  const guest = new FakeRelay(far);
  await guest.greet();
  await connection.ready;
  return { connection, guest, broken, near };
}
