/** What goes over the wire of the NBD protocol (fixed newstyle, simple replies), as much of it as a reader of a disk needs. Pure. */

/** First words of the server: magic, then flags. */
const [SERVER_MAGIC, OPTION_MAGIC] = [0x4e42444d41474943n, 0x49484156454f5054n];
const OPTION_REPLY_MAGIC = 0x3e889045565a9n;
const [REQUEST_MAGIC, REPLY_MAGIC] = [0x25609513, 0x67446698];
const [FIXED_NEWSTYLE, NO_ZEROES] = [1, 2];
/** The export has flags, and is read-only. */
const EXPORT_FLAGS = 0b11;

/** Options that a client may ask for. */
export const OPTION = { exportName: 1, abort: 2, info: 6, go: 7 } as const;
/** Requests of a client. */
export const REQUEST = { read: 0, write: 1, disconnect: 2, flush: 3 } as const;
/** Errors of a reply, as Linux numbers them. */
export const NBD_ERROR = { none: 0, notPermitted: 1, io: 5, invalid: 22 } as const;

/** Bytes of a client's first flags, of an option's head and of a request. */
export const [CLIENT_FLAGS_BYTES, OPTION_BYTES, REQUEST_BYTES] = [4, 16, 28];
/** Longest data of an option: a name of 4 KiB and what may stand beside it. */
export const MAX_OPTION_BYTES = 8192;
/** Longest read that is answered: the client is told so, and it is memory here. */
export const MAX_READ_BYTES = 2 * 1024 * 1024;

const [REPLY_ACK, REPLY_INFO, REPLY_UNSUPPORTED] = [1, 3, 0x8000_0001];
const [INFO_EXPORT, INFO_BLOCK_SIZE] = [0, 3];

/** A client's wish while it and the server find each other. */
export interface NbdOption {
  readonly option: number;
  readonly dataBytes: number;
}

/** A request for blocks. */
export interface NbdRequest {
  readonly type: number;
  /** Names the request in its reply. */
  readonly cookie: bigint;
  readonly offset: bigint;
  readonly length: number;
}

/** What the server says first. */
export function greeting(): Buffer {
  const bytes = Buffer.alloc(18);
  bytes.writeBigUInt64BE(SERVER_MAGIC, 0);
  bytes.writeBigUInt64BE(OPTION_MAGIC, 8);
  bytes.writeUInt16BE(FIXED_NEWSTYLE | NO_ZEROES, 16);
  return bytes;
}

/** Whether the client leaves out the zeros after an export's size; null when it asks for what was not offered. */
export function readClientFlags(bytes: Buffer): { readonly noZeroes: boolean } | null {
  const flags = bytes.readUInt32BE(0);
  if ((flags & FIXED_NEWSTYLE) === 0 || (flags & ~(FIXED_NEWSTYLE | NO_ZEROES)) !== 0) return null;
  return { noZeroes: (flags & NO_ZEROES) !== 0 };
}

/** The head of an option; null when it is none, or has more data than any has. */
export function readOption(bytes: Buffer): NbdOption | null {
  if (bytes.readBigUInt64BE(0) !== OPTION_MAGIC) return null;
  const dataBytes = bytes.readUInt32BE(12);
  return dataBytes > MAX_OPTION_BYTES ? null : { option: bytes.readUInt32BE(8), dataBytes };
}

/** A request; null when it is none. */
export function readRequest(bytes: Buffer): NbdRequest | null {
  if (bytes.readUInt32BE(0) !== REQUEST_MAGIC) return null;
  return {
    type: bytes.readUInt16BE(6),
    cookie: bytes.readBigUInt64BE(8),
    offset: bytes.readBigUInt64BE(16),
    length: bytes.readUInt32BE(24),
  };
}

/** Answers to `info` and `go`: what the disk is. */
export function exportInfo(option: number, diskBytes: number): Buffer {
  const disk = Buffer.alloc(12);
  disk.writeUInt16BE(INFO_EXPORT, 0);
  disk.writeBigUInt64BE(BigInt(diskBytes), 2);
  disk.writeUInt16BE(EXPORT_FLAGS, 10);
  const sizes = Buffer.alloc(14);
  sizes.writeUInt16BE(INFO_BLOCK_SIZE, 0);
  sizes.writeUInt32BE(1, 2);
  sizes.writeUInt32BE(4096, 6);
  sizes.writeUInt32BE(MAX_READ_BYTES, 10);
  return Buffer.concat([
    optionReply(option, REPLY_INFO, disk),
    optionReply(option, REPLY_INFO, sizes),
    optionReply(option, REPLY_ACK),
  ]);
}

/** The answer to `exportName`, which has no head. */
export function exportByName(diskBytes: number, noZeroes: boolean): Buffer {
  const bytes = Buffer.alloc(noZeroes ? 10 : 134);
  bytes.writeBigUInt64BE(BigInt(diskBytes), 0);
  bytes.writeUInt16BE(EXPORT_FLAGS, 8);
  return bytes;
}

/** The answer to an option that is understood and needs no more, such as `abort`. */
export function acknowledged(option: number): Buffer {
  return optionReply(option, REPLY_ACK);
}

/** The answer to an option that is not known here. */
export function unsupported(option: number): Buffer {
  return optionReply(option, REPLY_UNSUPPORTED);
}

/** The head of a reply; the bytes that were read follow it. */
export function replyHead(cookie: bigint, error: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(REPLY_MAGIC, 0);
  bytes.writeUInt32BE(error, 4);
  bytes.writeBigUInt64BE(cookie, 8);
  return bytes;
}

function optionReply(option: number, type: number, data: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(20);
  head.writeBigUInt64BE(OPTION_REPLY_MAGIC, 0);
  head.writeUInt32BE(option, 8);
  head.writeUInt32BE(type, 12);
  head.writeUInt32BE(data.length, 16);
  return Buffer.concat([head, data]);
}
