import { decodeDatagram, encodeDatagram, MAX_DATAGRAM_RECORD } from '../../outside/network/messages.ts';
import { recordOf, recordRoom, writeAll } from '../../outside/network/record.ts';
import {
  type ByteSource,
  type Datagram,
  type SocketAddress,
  SocketFailure,
  StreamFailure,
  type UdpPort,
} from '../../wasi/index.ts';
import type { OutsideCall } from './outside.ts';

/** A socket of UDP that the host holds: datagrams as records in both directions. */
export class OutsideUdpPort implements UdpPort {
  readonly local: SocketAddress;
  readonly arrival: { wait(): Promise<void> };
  readonly room: { wait(): Promise<void> };
  readonly #call: OutsideCall;
  readonly #records: RecordBuffer;
  readonly #passed: (bytes: number) => void;
  /** A datagram on its way for which there was no room at once. */
  #overflow: Promise<void> | null = null;

  constructor(call: OutsideCall, local: SocketAddress, passed: (bytes: number) => void) {
    this.local = local;
    this.#call = call;
    this.#records = new RecordBuffer(call.source);
    this.#passed = passed;
    this.arrival = { wait: () => call.source.wait() };
    this.room = { wait: () => this.#overflow ?? Promise.resolve() };
  }

  get receivable(): boolean {
    return this.#records.ready;
  }

  receive(): Datagram | null {
    const record = this.#records.take();
    if (record === null) return null;
    const datagram = decodeDatagram(record);
    if (datagram === null) throw new SocketFailure('unknown', 'the host sent what is no datagram');
    return { data: datagram.data, remote: datagram.peer };
  }

  get sendable(): boolean {
    return this.#overflow === null;
  }

  send({ data, remote }: Datagram): void {
    const { sink } = this.#call;
    const datagram = encodeDatagram(remote, data);
    this.#passed(data.length);
    try {
      if (recordRoom(sink) >= datagram.length) {
        sink.write(recordOf(datagram));
        return;
      }
    } catch {
      throw new SocketFailure('connection-aborted', 'the socket is closed');
    }
    const done = () => {
      this.#overflow = null;
    };
    this.#overflow = writeAll(sink, recordOf(datagram)).then(done, done);
  }

  close(): void {
    this.#call.forget();
  }
}

/** Puts records together from what is at hand. */
class RecordBuffer {
  readonly #source: ByteSource;
  #parts: Uint8Array = new Uint8Array(0);

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Whether `take` would give a record, or throw. */
  get ready(): boolean {
    try {
      return this.#fill();
    } catch {
      return true;
    }
  }

  /** The next record; null when it is not complete yet. */
  take(): Uint8Array | null {
    if (!this.#fill()) return null;
    const end = 4 + this.#length;
    const record = this.#parts.slice(4, end);
    this.#parts = this.#parts.subarray(end);
    return record;
  }

  get #length(): number {
    return new DataView(this.#parts.buffer, this.#parts.byteOffset).getUint32(0);
  }

  #fill(): boolean {
    for (;;) {
      const { length } = this.#parts;
      if (length >= 4 && this.#length > MAX_DATAGRAM_RECORD)
        throw new SocketFailure('unknown', 'the host sent what is no datagram');
      if (length >= 4 && length >= 4 + this.#length) return true;
      const bytes = this.#more(length < 4 ? 4 - length : 4 + this.#length - length);
      if (bytes.length === 0) return false;
      this.#parts = Buffer.concat([this.#parts, bytes]);
    }
  }

  #more(max: number): Uint8Array {
    try {
      const bytes = this.#source.read(max);
      if (bytes !== null) return bytes;
    } catch (error) {
      if (!(error instanceof StreamFailure)) throw error;
    }
    throw new SocketFailure('connection-aborted', 'the socket is closed');
  }
}
