/** Bytes that are compared and put back together. */
const PIECE_BYTES = 16 * 1024;

/** A piece of a memory that was never written. */
const ZEROS = Buffer.alloc(PIECE_BYTES);

interface MemoryImage {
  readonly memory: WebAssembly.Memory;
  /** Bytes in pieces; null where there were only zeros. */
  readonly pieces: readonly (Buffer | null)[];
}

/** What the memories and the changeable globals of an instance hold at one moment, and how they come to hold it again. */
export class InstanceImage {
  readonly #memories: readonly MemoryImage[];
  readonly #globals: readonly (readonly [WebAssembly.Global, unknown])[];

  private constructor(memories: readonly MemoryImage[], globals: readonly (readonly [WebAssembly.Global, unknown])[]) {
    this.#memories = memories;
    this.#globals = globals;
  }

  /** Of these objects, those that are memories, and globals that can be set; the same may be given many times. */
  static of(objects: Iterable<unknown>): InstanceImage {
    const memories: MemoryImage[] = [];
    const globals: [WebAssembly.Global, unknown][] = [];
    for (const object of new Set(objects)) {
      if (object instanceof WebAssembly.Memory) memories.push({ memory: object, pieces: piecesOf(object) });
      else if (object instanceof WebAssembly.Global && isNumber(object)) globals.push([object, object.value]);
    }
    return new InstanceImage(memories, globals);
  }

  /** Puts everything back; false when a memory has grown: none can shrink, and a guest can ask for its size. */
  restore(): boolean {
    for (const { memory, pieces } of this.#memories) {
      if (memory.buffer.byteLength !== pieces.length * PIECE_BYTES) return false;
    }
    for (const { memory, pieces } of this.#memories) restoreMemory(memory, pieces);
    // Whether or not they look the same: to JavaScript all NaNs are one, and a guest can write 51 bits into one.
    for (const [global, value] of this.#globals) global.value = value;
    return true;
  }
}

function piecesOf(memory: WebAssembly.Memory): (Buffer | null)[] {
  const bytes = Buffer.from(memory.buffer);
  return Array.from({ length: bytes.length / PIECE_BYTES }, (_, index) => {
    const piece = bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES);
    return piece.equals(ZEROS) ? null : Buffer.from(piece);
  });
}

/** What is as it was is only read: a page that was never written to costs no memory, and one in the cache little time. */
function restoreMemory(memory: WebAssembly.Memory, pieces: readonly (Buffer | null)[]): void {
  const bytes = Buffer.from(memory.buffer);
  for (let index = 0, at = 0; at < bytes.length; index += 1, at += PIECE_BYTES) {
    const piece = pieces[index] ?? ZEROS;
    if (bytes.compare(piece, 0, PIECE_BYTES, at, at + PIECE_BYTES) !== 0) bytes.set(piece, at);
  }
}

/** Constants cannot be set, and what is no number is ours: the rewriter leaves no other global of a guest to be seen. */
function isNumber(global: WebAssembly.Global): boolean {
  const value: unknown = global.value;
  if (typeof value !== 'number' && typeof value !== 'bigint') return false;
  try {
    global.value = value;
    return true;
  } catch {
    // It is a constant.
    return false;
  }
}
