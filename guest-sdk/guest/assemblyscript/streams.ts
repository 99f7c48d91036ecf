// Streams of the host, by their handles.
import { mark, takeNumbers, unwind } from './memory';

/** Most bytes that `blocking-write-and-flush` takes at once. */
const PIECE_BYTES: i32 = 4096;
/** Bytes asked of a stream at once. */
const READ_BYTES: u64 = 65536;

@external("wasi:io/streams@0.2.12", "[method]input-stream.blocking-read")
declare function blockingRead(stream: u32, most: u64, area: usize): void;
@external("wasi:io/streams@0.2.12", "[method]output-stream.blocking-write-and-flush")
declare function blockingWrite(stream: u32, start: usize, size: i32, area: usize): void;
@external("wasi:io/streams@0.2.12", "[resource-drop]input-stream")
export declare function dropInput(stream: u32): void;
@external("wasi:io/streams@0.2.12", "[resource-drop]output-stream")
export declare function dropOutput(stream: u32): void;

const area = memory.data(16, 8);

/** The next bytes; null at the end. */
export function read(stream: u32): Uint8Array | null {
  const before = mark();
  blockingRead(stream, READ_BYTES, area);
  if (load<u8>(area) != 0) {
    assert(load<u8>(area, 4) == 1, 'what is read broke off before its end');
    return null;
  }
  const bytes = takeNumbers<Uint8Array>(load<u32>(area, 4), load<u32>(area, 8), 1);
  unwind(before);
  return bytes;
}

/** Bytes that come in pieces. Nothing is freed before a call's end, so they are moved seldom. */
export class Gathered {
  private held: Uint8Array = new Uint8Array(0);
  private used: i32 = 0;

  add(piece: Uint8Array): void {
    const length = this.used + piece.length;
    if (length > this.held.length) {
      const larger = new Uint8Array(max(length, this.used * 2));
      memory.copy(larger.dataStart, this.held.dataStart, this.used);
      this.held = larger;
    }
    memory.copy(this.held.dataStart + this.used, piece.dataStart, piece.length);
    this.used = length;
  }

  get length(): i32 { return this.used; }
  get bytes(): Uint8Array { return this.held.subarray(0, this.used); }
}

/** All bytes up to the end. */
export function readAll(stream: u32): Uint8Array {
  const all = new Gathered();
  for (let piece = read(stream); piece !== null; piece = read(stream)) all.add(piece);
  return all.bytes;
}

/** Writes all bytes; false when nobody reads them any longer. */
export function write(stream: u32, bytes: Uint8Array): bool {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    blockingWrite(stream, bytes.dataStart + at, min(PIECE_BYTES, bytes.length - at), area);
    if (load<u8>(area) != 0) return false;
  }
  return true;
}

/** A text as UTF-8. What is no character becomes U+FFFD. */
export function utf8(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE));
}

/** The text of UTF-8. */
export function textOf(bytes: Uint8Array): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}
