import { ERRNO, Preview1Error } from './errno.ts';

/** A piece of the guest's memory, as `iovec` and `ciovec` name it. */
export interface MemoryPiece {
  readonly at: number;
  readonly length: number;
}

/** Most pieces in one call: a list of them is read as a whole. Linux has the same bound. */
const MAX_PIECES = 1024;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The memory of a WASI 0.1 module, read and written at addresses that the guest gave: what lies outside answers with `fault`. */
export class GuestMemory {
  readonly #memory: WebAssembly.Memory;
  #view: DataView<ArrayBuffer>;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#view = new DataView(memory.buffer as ArrayBuffer);
  }

  /** The bytes themselves, not a copy; good until the guest runs again. */
  bytes(address: number, length: number): Uint8Array<ArrayBuffer> {
    // What came as an i32 may look negative; what was multiplied may be more than an address can be.
    const size = length < 0 ? length >>> 0 : length;
    return new Uint8Array(this.#inside(address, size).buffer, address >>> 0, size);
  }

  /** A text; bytes that are no UTF-8 answer with `inval`. */
  text(address: number, length: number): string {
    try {
      return decoder.decode(this.bytes(address, length));
    } catch (error) {
      if (error instanceof Preview1Error) throw error;
      throw new Preview1Error(ERRNO.inval);
    }
  }

  u8(address: number): number {
    return this.#inside(address, 1).getUint8(address >>> 0);
  }

  u16(address: number): number {
    return this.#inside(address, 2).getUint16(address >>> 0, true);
  }

  u32(address: number): number {
    return this.#inside(address, 4).getUint32(address >>> 0, true);
  }

  u64(address: number): bigint {
    return this.#inside(address, 8).getBigUint64(address >>> 0, true);
  }

  setU8(address: number, value: number): void {
    this.#inside(address, 1).setUint8(address >>> 0, value);
  }

  setU16(address: number, value: number): void {
    this.#inside(address, 2).setUint16(address >>> 0, value, true);
  }

  setU32(address: number, value: number): void {
    this.#inside(address, 4).setUint32(address >>> 0, value, true);
  }

  setU64(address: number, value: bigint): void {
    this.#inside(address, 8).setBigUint64(address >>> 0, value, true);
  }

  /** Copies bytes to an address. */
  set(address: number, bytes: Uint8Array): void {
    this.bytes(address, bytes.length).set(bytes);
  }

  /** The pieces of a vector of buffers that are not empty. */
  pieces(address: number, count: number): MemoryPiece[] {
    if (count >>> 0 > MAX_PIECES) throw new Preview1Error(ERRNO.inval);
    const pieces: MemoryPiece[] = [];
    for (let index = 0; index < count; index += 1) {
      const entry = (address >>> 0) + index * 8;
      const [at, length] = [this.u32(entry), this.u32(entry + 4)];
      this.#inside(at, length);
      if (length > 0) pieces.push({ at, length });
    }
    return pieces;
  }

  /** Writes texts behind one another, each with a NUL, and their addresses to a table: how arguments and environment are told. */
  setTexts(table: number, room: number, texts: readonly string[]): void {
    let at = room >>> 0;
    for (const [index, text] of texts.entries()) {
      const bytes = encoder.encode(text);
      this.setU32((table >>> 0) + index * 4, at);
      this.set(at, bytes);
      this.setU8(at + bytes.length, 0);
      at += bytes.length + 1;
    }
  }

  /** The view of the memory as it is now, in which these bytes are. */
  #inside(address: number, length: number): DataView<ArrayBuffer> {
    // The guest's memory may have grown, which leaves the former view without bytes.
    if (this.#view.buffer !== this.#memory.buffer) this.#view = new DataView(this.#memory.buffer as ArrayBuffer);
    if ((address >>> 0) + length > this.#view.byteLength) throw new Preview1Error(ERRNO.fault);
    return this.#view;
  }
}

/** Bytes that texts take in the guest's memory, each with its NUL. */
export function textBytes(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + encoder.encode(text).length + 1, 0);
}
