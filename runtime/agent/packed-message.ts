import { WireError } from './wire-error.ts';

/**
 * What every invocation says, in a form that costs little to write and to read: two numbers, texts, and pieces of bytes.
 *
 *     u8 code | u24 number of texts, u32 number of pieces | f64, f64 | u32 length of each text, u32 of each piece | texts in UTF-8 | pieces
 *
 * Everything is little-endian. A text's length is in UTF-16 units: all of them are decoded together, and then cut.
 */
export interface PackedMessage {
  readonly code: number;
  readonly first: number;
  readonly second: number;
  readonly texts: readonly string[];
  /** Views of what they were decoded from. */
  readonly pieces: readonly Uint8Array[];
}

const HEAD_BYTES = 24;
const MAX_TEXTS = 2 ** 24 - 1;

const NUMBERS = new Float64Array(2);
const NUMBER_BYTES = new Uint8Array(NUMBERS.buffer);

/** Where a message is packed. */
export interface PackRoom {
  /** Makes room for so many bytes, and gives where they begin in the memory that there is then. */
  place(bytes: number): number;
  readonly memory: Buffer;
}

/** A text up to this length is written byte by byte, and such a piece copied so: a call into the engine costs more. */
const SHORT = 64;

/** The bytes of a message, whose code is at most 255. */
export function pack(message: PackedMessage): Uint8Array {
  const room = new OwnRoom();
  packInto(room, message);
  return room.memory;
}

class OwnRoom implements PackRoom {
  memory: Buffer = NOTHING;

  place(bytes: number): number {
    this.memory = Buffer.allocUnsafe(bytes);
    return 0;
  }
}

const NOTHING = Buffer.alloc(0);

/** Writes the same where it leaves from. */
export function packInto(room: PackRoom, { code, first, second, texts, pieces }: PackedMessage): void {
  if (texts.length > MAX_TEXTS) throw new WireError(`expected at most ${MAX_TEXTS} texts, got ${texts.length}`);
  const lengths = HEAD_BYTES + 4 * (texts.length + pieces.length);
  let bytes = lengths;
  for (let index = 0; index < texts.length; index += 1) bytes += textBytes(texts[index]!);
  for (let index = 0; index < pieces.length; index += 1) bytes += pieces[index]!.length;
  const from = room.place(bytes);
  const to = room.memory;
  putU32(to, from, texts.length * 256 + code);
  putU32(to, from + 4, pieces.length);
  NUMBERS[0] = first;
  NUMBERS[1] = second;
  for (let index = 0; index < NUMBER_BYTES.length; index += 1) to[from + 8 + index] = NUMBER_BYTES[index]!;
  let length = from + HEAD_BYTES;
  let at = from + lengths;
  for (let index = 0; index < texts.length; index += 1) {
    const text = texts[index]!;
    putU32(to, length, text.length);
    length += 4;
    at += putText(to, at, text);
  }
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index]!;
    putU32(to, length, piece.length);
    length += 4;
    if (piece.length > SHORT) to.set(piece, at);
    else for (let byte = 0; byte < piece.length; byte += 1) to[at + byte] = piece[byte]!;
    at += piece.length;
  }
}

function textBytes(text: string): number {
  return isShortAscii(text) ? text.length : Buffer.byteLength(text);
}

/** Gives how many bytes it took. */
function putText(to: Buffer, at: number, text: string): number {
  if (!isShortAscii(text)) return to.write(text, at);
  for (let index = 0; index < text.length; index += 1) to[at + index] = text.charCodeAt(index);
  return text.length;
}

/** Reads what `pack` made, and checks that it is just that. The meaning must be checked: whoever broke out of a guest may have made it. */
export function unpack(bytes: Uint8Array): Packed {
  if (bytes.length < HEAD_BYTES) throw refused(`at least ${HEAD_BYTES} bytes, got ${bytes.length}`);
  const code = bytes[0]!;
  const textCount = u32(bytes, 0) >>> 8;
  const pieceCount = u32(bytes, 4);
  const start = HEAD_BYTES + 4 * (textCount + pieceCount);
  if (start > bytes.length) throw refused(`the lengths of ${textCount + pieceCount} texts and pieces, got fewer`);
  let pieceBytes = 0;
  for (let index = 0; index < pieceCount; index += 1) {
    pieceBytes += u32(bytes, HEAD_BYTES + 4 * (textCount + index));
  }
  const piecesAt = bytes.length - pieceBytes;
  if (piecesAt < start) throw refused(`${pieceBytes} bytes of pieces, got ${bytes.length - start}`);
  const texts = textsOf(bytes, textCount, start, piecesAt);
  for (let index = 0; index < NUMBER_BYTES.length; index += 1) NUMBER_BYTES[index] = bytes[8 + index]!;
  return new Packed(code, NUMBERS[0]!, NUMBERS[1]!, texts, bytes, piecesAt, pieceCount);
}

/** A message that was read. Its pieces are made when they are asked for: few guests look at every field of a request. */
export class Packed implements PackedMessage {
  readonly code: number;
  readonly first: number;
  readonly second: number;
  readonly texts: readonly string[];
  readonly pieceCount: number;
  readonly #bytes: Uint8Array;
  readonly #piecesAt: number;

  constructor(
    code: number,
    first: number,
    second: number,
    texts: readonly string[],
    bytes: Uint8Array,
    piecesAt: number,
    pieceCount: number,
  ) {
    this.code = code;
    this.first = first;
    this.second = second;
    this.texts = texts;
    this.pieceCount = pieceCount;
    this.#bytes = bytes;
    this.#piecesAt = piecesAt;
  }

  get pieces(): readonly Uint8Array[] {
    return this.piecesFrom(0, this.pieceCount);
  }

  /** Bytes of one of them, which there must be. */
  pieceBytes(at: number): number {
    return u32(this.#bytes, HEAD_BYTES + 4 * (this.texts.length + at));
  }

  /** So many of them, or fewer, from this one on. */
  piecesFrom(from: number, count: number): readonly Uint8Array[] {
    const pieces: Uint8Array[] = [];
    const bytes = this.#bytes;
    const end = Math.min(this.pieceCount, from + count);
    for (let index = 0, at = this.#piecesAt; index < end; index += 1) {
      const length = this.pieceBytes(index);
      if (index >= from) pieces.push(new Uint8Array(bytes.buffer, bytes.byteOffset + at, length));
      at += length;
    }
    return pieces;
  }
}

function textsOf(bytes: Uint8Array, count: number, start: number, end: number): string[] {
  const texts = new Array<string>(count);
  const text = start === end ? '' : utf8Slice.call(bytes, start, end);
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    const length = u32(bytes, HEAD_BYTES + 4 * index);
    texts[index] = text.slice(at, at + length);
    at += length;
  }
  if (at !== text.length) throw refused(`${at} characters of text, got ${text.length}`);
  return texts;
}

/** What `toString` calls, without a `Buffer` made for it. */
const { utf8Slice } = Buffer.prototype as unknown as {
  readonly utf8Slice: { call(bytes: Uint8Array, start: number, end: number): string };
};

/** Whether each character is a byte, and they are few. */
export function isShortAscii(text: string): boolean {
  if (text.length > SHORT) return false;
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

function putU32(to: Uint8Array, at: number, value: number): void {
  to[at] = value;
  to[at + 1] = value >>> 8;
  to[at + 2] = value >>> 16;
  to[at + 3] = value >>> 24;
}

/** Byte by byte: a `DataView` for each small array costs more than to read it. */
export function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function refused(sentence: string): WireError {
  return new WireError(`expected a packed message with ${sentence}`);
}
