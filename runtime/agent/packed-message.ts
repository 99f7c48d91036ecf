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

/** The bytes of a message, whose code is at most 255. */
export function pack({ code, first, second, texts, pieces }: PackedMessage): Uint8Array {
  if (texts.length > MAX_TEXTS) throw new WireError(`expected at most ${MAX_TEXTS} texts, got ${texts.length}`);
  const text = texts.length === 1 ? texts[0]! : texts.join('');
  // A byte each is all that most take; where one takes more, the room is measured.
  const textBytes = isAscii(text) ? text.length : Buffer.byteLength(text);
  let at = HEAD_BYTES + 4 * (texts.length + pieces.length);
  let bytes = at + textBytes;
  for (const piece of pieces) bytes += piece.length;
  const to = Buffer.allocUnsafe(bytes);
  putU32(to, 0, texts.length * 256 + code);
  putU32(to, 4, pieces.length);
  NUMBERS[0] = first;
  NUMBERS[1] = second;
  to.set(NUMBER_BYTES, 8);
  let length = HEAD_BYTES;
  for (const each of texts) {
    putU32(to, length, each.length);
    length += 4;
  }
  for (const piece of pieces) {
    putU32(to, length, piece.length);
    length += 4;
  }
  to.write(text, at, textBytes, textBytes === text.length ? 'latin1' : 'utf8');
  at += textBytes;
  for (const piece of pieces) {
    to.set(piece, at);
    at += piece.length;
  }
  return to;
}

/** Reads what `pack` made, and checks that it is just that. The meaning must be checked: whoever broke out of a guest may have made it. */
export function unpack(bytes: Uint8Array): PackedMessage {
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
  const pieces = new Array<Uint8Array>(pieceCount);
  for (let index = 0, at = piecesAt; index < pieceCount; index += 1) {
    const length = u32(bytes, HEAD_BYTES + 4 * (textCount + index));
    pieces[index] = new Uint8Array(bytes.buffer, bytes.byteOffset + at, length);
    at += length;
  }
  NUMBER_BYTES.set(bytes.subarray(8, HEAD_BYTES));
  return { code, first: NUMBERS[0]!, second: NUMBERS[1]!, texts, pieces };
}

function textsOf(bytes: Uint8Array, count: number, start: number, end: number): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
  const texts = new Array<string>(count);
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    const length = u32(bytes, HEAD_BYTES + 4 * index);
    texts[index] = text.slice(at, at + length);
    at += length;
  }
  if (at !== text.length) throw refused(`${at} characters of text, got ${text.length}`);
  return texts;
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

function putU32(to: Uint8Array, at: number, value: number): void {
  to[at] = value;
  to[at + 1] = value >>> 8;
  to[at + 2] = value >>> 16;
  to[at + 3] = value >>> 24;
}

function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function refused(sentence: string): WireError {
  return new WireError(`expected a packed message with ${sentence}`);
}
