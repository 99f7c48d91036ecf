import type { Duplex } from 'node:stream';
import type { BlockSource } from './block-source.ts';
import {
  acknowledged,
  CLIENT_FLAGS_BYTES,
  exportByName,
  exportInfo,
  greeting,
  MAX_READ_BYTES,
  NBD_ERROR,
  type NbdRequest,
  OPTION,
  OPTION_BYTES,
  REQUEST,
  REQUEST_BYTES,
  readClientFlags,
  readOption,
  readRequest,
  replyHead,
  unsupported,
} from './nbd.ts';

/** Serves a disk to one QEMU, over a socket that it inherited. */
export interface BlockServer {
  /** Why it ended: null when the client left, a clause when it broke the protocol or the source failed it. Never rejects. */
  readonly ended: Promise<string | null>;
  /** Ends it; reads that wait are given up. Idempotent. */
  close(): void;
}

/** Requests that are worked on at once; QEMU has 16 in flight. The next is read when one of them is answered. */
const MAX_IN_FLIGHT = 32;
/** Options before the first request: a client that only asks is no client. */
const MAX_OPTIONS = 64;

/**
 * Serves a disk by the NBD protocol, read-only, to whoever is at the other end: QEMU, which may have been taken over by its guest. What it asks is
 * bounded; a wrong word ends the connection. A read that its source cannot answer is an error of the disk to the guest.
 */
export function serveBlocks(connection: Duplex, source: BlockSource): BlockServer {
  const closed = new AbortController();
  // A client that breaks off: reading from it says so, too.
  connection.on('error', () => closed.abort());
  connection.once('close', () => closed.abort());
  const server = new Session(connection, source, closed.signal);
  const ended = server.run().catch((error: Error) => (closed.signal.aborted ? null : error.message));
  void ended.then(() => connection.destroy());
  return {
    ended,
    close: () => {
      closed.abort();
      connection.destroy();
    },
  };
}

/** A word of the client that is none; what it says is a clause. */
class ProtocolError extends Error {}

class Session {
  readonly #connection: Duplex;
  readonly #source: BlockSource;
  readonly #signal: AbortSignal;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #chunks: AsyncIterator<Buffer>;
  /** What came and was not taken yet: less than a chunk and an option. */
  #rest: Buffer = Buffer.alloc(0);
  /** Replies take turns: one that waits for the client holds up the others. */
  #writing: Promise<void> = Promise.resolve();

  constructor(connection: Duplex, source: BlockSource, signal: AbortSignal) {
    this.#connection = connection;
    this.#chunks = connection[Symbol.asyncIterator]();
    this.#source = source;
    this.#signal = signal;
  }

  /** Resolves with null when the client left in order. */
  async run(): Promise<null> {
    await this.#write(greeting());
    const flags = readClientFlags(await this.#take(CLIENT_FLAGS_BYTES));
    if (flags === null) throw new ProtocolError('the client of a disk does not speak the same protocol');
    if (await this.#negotiate(flags.noZeroes)) while (await this.#serveNext());
    await Promise.all(this.#inFlight);
    return null;
  }

  /** Whether the client went on to ask for blocks. */
  async #negotiate(noZeroes: boolean): Promise<boolean> {
    const { bytes } = this.#source;
    for (let times = 0; times < MAX_OPTIONS; times++) {
      const asked = readOption(await this.#take(OPTION_BYTES));
      if (asked === null) throw new ProtocolError('the client of a disk sent what is no option');
      if (asked.dataBytes > 0) await this.#take(asked.dataBytes);
      switch (asked.option) {
        case OPTION.exportName:
          await this.#write(exportByName(bytes, noZeroes));
          return true;
        case OPTION.go:
        case OPTION.info:
          await this.#write(exportInfo(asked.option, bytes));
          if (asked.option === OPTION.go) return true;
          break;
        case OPTION.abort:
          await this.#write(acknowledged(asked.option));
          return false;
        default:
          await this.#write(unsupported(asked.option));
      }
    }
    throw new ProtocolError(`the client of a disk sent ${MAX_OPTIONS} options and no request`);
  }

  /** Whether there may be more. */
  async #serveNext(): Promise<boolean> {
    if (this.#rest.length === 0 && !(await this.#receive())) return false;
    const request = readRequest(await this.#take(REQUEST_BYTES));
    if (request === null) throw new ProtocolError('the client of a disk sent what is no request');
    if (request.type === REQUEST.disconnect) return false;
    // It would be followed by bytes that nobody wants, and the disk was said to be read-only.
    if (request.type === REQUEST.write) throw new ProtocolError('the client of a disk that is read-only wrote to it');
    const answer = this.#answer(request).finally(() => this.#inFlight.delete(answer));
    this.#inFlight.add(answer);
    while (this.#inFlight.size >= MAX_IN_FLIGHT) await Promise.race(this.#inFlight);
    return true;
  }

  /** Never rejects: a client that is gone is seen by who reads. */
  async #answer({ type, cookie, offset, length }: NbdRequest): Promise<void> {
    const reply = (error: number, bytes?: Uint8Array) =>
      this.#write(replyHead(cookie, error), bytes).catch(() => undefined);
    if (type === REQUEST.flush) return reply(NBD_ERROR.none);
    if (type !== REQUEST.read) return reply(NBD_ERROR.notPermitted);
    if (length === 0 || length > MAX_READ_BYTES || offset + BigInt(length) > BigInt(this.#source.bytes))
      return reply(NBD_ERROR.invalid);
    const bytes = Buffer.alloc(length);
    try {
      await this.#source.read(Number(offset), bytes, this.#signal);
    } catch {
      return reply(NBD_ERROR.io); // The guest's error to see; who owns the source knows why.
    }
    return reply(NBD_ERROR.none, bytes);
  }

  #write(head: Uint8Array, body?: Uint8Array): Promise<void> {
    const turn = this.#writing.then(() => this.#send(head, body));
    this.#writing = turn.catch(() => undefined);
    return turn;
  }

  /** Waits while the client does not read: what it does not take is not piled up. */
  async #send(head: Uint8Array, body?: Uint8Array): Promise<void> {
    this.#signal.throwIfAborted();
    this.#connection.cork();
    let flowing = this.#connection.write(head);
    if (body !== undefined) flowing = this.#connection.write(body);
    this.#connection.uncork();
    if (!flowing) await drained(this.#connection, this.#signal);
  }

  /** The next bytes of the client, so many. */
  async #take(length: number): Promise<Buffer> {
    while (this.#rest.length < length)
      if (!(await this.#receive())) throw new ProtocolError('the client of a disk left in the middle of a word');
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return bytes;
  }

  /** Waits for bytes; false when there will be none. */
  async #receive(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    if (done !== true) this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value]);
    return done !== true;
  }
}

/** Resolves when a stream can be written to again, or `signal` aborts; nothing of it stays. */
function drained(stream: Duplex, signal: AbortSignal): Promise<void> {
  const happened = Promise.withResolvers<void>();
  const tell = () => happened.resolve();
  stream.once('drain', tell);
  signal.addEventListener('abort', tell, { once: true });
  return happened.promise.finally(() => {
    stream.off('drain', tell);
    signal.removeEventListener('abort', tell);
  });
}
