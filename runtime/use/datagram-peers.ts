import { decodeDatagram, MAX_DATAGRAM_RECORD, type SocketEnd } from '../outside/network/messages.ts';
import type { OutsideRequest } from '../outside/outside-service.ts';
import type { ByteSource } from '../wasi/index.ts';

const HEADER_BYTES = 4;
/** Length of the longest address, itself and its port: what stands before the data of a datagram. */
const PEER_BYTES = 19;

/** The same request, telling for whom its datagrams are as they are read. */
export function watchPeers(request: OutsideRequest, peer: (end: SocketEnd) => void): OutsideRequest {
  const { args, signal } = request;
  let watched: ByteSource | undefined;
  return {
    ...{ args, signal },
    get source() {
      watched ??= watchedSource(request.source, new PeerReader(peer));
      return watched;
    },
    get sink() {
      return request.sink;
    },
  };
}

function watchedSource(source: ByteSource, reader: PeerReader): ByteSource {
  return {
    read(max) {
      const bytes = source.read(max);
      if (bytes !== null) reader.push(bytes);
      return bytes;
    },
    get ready() {
      return source.ready;
    },
    wait: () => source.wait(),
    close: () => source.close(),
  };
}

/** Finds in a stream of records the beginning of each, and so its peer. */
class PeerReader {
  readonly #peer: (end: SocketEnd) => void;
  #start: number[] = [];
  /** Bytes of the record that are still to come after its beginning; -1 before its length is known. */
  #length = -1;
  #seen = 0;

  constructor(peer: (end: SocketEnd) => void) {
    this.#peer = peer;
  }

  push(bytes: Uint8Array): void {
    for (const byte of bytes) {
      this.#seen += 1;
      if (this.#start.length < HEADER_BYTES + PEER_BYTES) this.#start.push(byte);
      if (this.#seen === HEADER_BYTES) {
        this.#length = this.#start.reduce((length, each) => length * 256 + each, 0);
        // No record at all: the service gives up.
        if (this.#length > MAX_DATAGRAM_RECORD) this.#length = MAX_DATAGRAM_RECORD;
      }
      if (this.#length >= 0 && this.#seen === HEADER_BYTES + this.#length) this.#end();
    }
  }

  #end(): void {
    const datagram = decodeDatagram(Uint8Array.from(this.#start.slice(HEADER_BYTES)));
    if (datagram !== null) this.#peer(datagram.peer);
    this.#start = [];
    this.#length = -1;
    this.#seen = 0;
  }
}
