/**
 * What an agent and its host say to each other about the network, as plain data. The agent imports this file, and so it imports
 * nothing of Node.
 */

/** A header or trailer field. */
export type Field = readonly [name: string, value: Uint8Array];

/** Longest path with query: servers take about as much. */
export const MAX_PATH = 8 * 1024;
/** Most fields of a header or of trailers. */
export const MAX_FIELDS = 256;
/** Bytes of names and values of a header, or of trailers: with the rest of a message they fit in 64 KiB. */
export const MAX_FIELD_BYTES = 48 * 1024;
/** Longest method. */
export const MAX_METHOD = 64;
/** Longest authority: that of the longest name with a port. */
export const MAX_AUTHORITY = 300;

/** Arguments of `http.send`. The request's body comes as records: pieces, an empty one at its end, then names and values of trailers. */
export interface HttpSend {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  /** Path with query, never empty. */
  readonly path: string;
  readonly headers: readonly Field[];
  /** Whether a body comes. */
  readonly body: boolean;
  /** Null: as the host has it. */
  readonly connectMs: number | null;
  readonly firstByteMs: number | null;
  readonly betweenBytesMs: number | null;
}

/** The answer to `http.send`; the body follows as it is. */
export interface HttpHeadAnswer {
  readonly status: number;
  readonly headers: readonly Field[];
}

/** What ends the body of an answer that is complete. */
export interface HttpEndAnswer {
  readonly trailers: readonly Field[];
}

/** One end of a socket: 4 bytes of IPv4 or 16 of IPv6. */
export interface SocketEnd {
  readonly address: Uint8Array;
  readonly port: number;
}

/** Arguments of `tcp.connect`. The bytes of the connection follow as they are; each side closes its own direction. */
export interface TcpConnect {
  readonly remote: SocketEnd;
  /** Where it comes from: what `tcp.bind` gave. */
  readonly binding: string | null;
}

/** The answer to `tcp.connect` and `tcp.accept`. */
export interface TcpConnected {
  readonly local: SocketEnd;
  readonly remote: SocketEnd;
}

/** Arguments of `tcp.bind` and `udp.bind`. What is bound is so until the request is forgotten. */
export interface SocketBind {
  readonly local: SocketEnd;
}

/** The answer to `tcp.bind`. */
export interface TcpBound {
  readonly local: SocketEnd;
  /** Names the binding in other requests. Nobody else can guess it. */
  readonly binding: string;
}

/** Arguments of `tcp.listen`; the answer is null. */
export interface TcpListen {
  readonly binding: string;
  readonly backlog: number;
}

/** Arguments of `tcp.accept`. */
export interface TcpAccept {
  readonly binding: string;
}

/** Arguments of `dns.resolve`; the answer is the list of addresses. */
export interface NameLookup {
  readonly name: string;
}

/** Largest datagram: what UDP over IPv4 carries. */
export const MAX_DATAGRAM_BYTES = 65_507;
/** Largest record of a datagram. */
export const MAX_DATAGRAM_RECORD = MAX_DATAGRAM_BYTES + 19;

/** A datagram with its peer, as the content of a record: length of the address, address, port, data. */
export function encodeDatagram({ address, port }: SocketEnd, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + address.length + 2 + data.length);
  bytes[0] = address.length;
  bytes.set(address, 1);
  new DataView(bytes.buffer).setUint16(1 + address.length, port);
  bytes.set(data, 3 + address.length);
  return bytes;
}

/** The datagram of a record; null when it is none. */
export function decodeDatagram(bytes: Uint8Array): { readonly peer: SocketEnd; readonly data: Uint8Array } | null {
  const length = bytes[0];
  if ((length !== 4 && length !== 16) || bytes.length < 3 + length) return null;
  const port = new DataView(bytes.buffer, bytes.byteOffset).getUint16(1 + length);
  return { peer: { address: bytes.slice(1, 1 + length), port }, data: bytes.slice(3 + length) };
}
