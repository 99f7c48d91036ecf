/** Bytes that are compared and put back together. */
const PIECE_BYTES = 16 * 1024;

/** A piece of a memory that was never written. */
const ZEROS = Buffer.alloc(PIECE_BYTES);

/** What a memory held, in pieces; null where there were only zeros. */
class MemoryImage {
  readonly #memory: WebAssembly.Memory;
  readonly #pieces: readonly (Buffer | null)[];
  /** Made once: to make one costs as much as to compare it. */
  #views: readonly Buffer[];

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#views = viewsOf(memory.buffer);
    this.#pieces = this.#views.map((view) => (view.equals(ZEROS) ? null : Buffer.from(view)));
  }

  /** A memory that grows, by nothing even, lets go of its buffer, and what views it: to ask a view costs less than to ask the memory. */
  get hasGrown(): boolean {
    if (this.#views[0]?.length === PIECE_BYTES) return false;
    const { buffer } = this.#memory;
    if (buffer.byteLength !== this.#pieces.length * PIECE_BYTES) return true;
    this.#views = viewsOf(buffer);
    return false;
  }

  /** After `hasGrown`. What is as it was is only read: a page that was never written to costs no memory, and one in the cache little time. */
  restore(): void {
    const views = this.#views;
    for (let index = 0; index < views.length; index += 1) {
      const piece = this.#pieces[index] ?? ZEROS;
      if (!views[index]!.equals(piece)) views[index]!.set(piece);
    }
  }
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
      if (object instanceof WebAssembly.Memory) memories.push(new MemoryImage(object));
      else if (object instanceof WebAssembly.Global && isNumber(object)) globals.push([object, object.value]);
    }
    return new InstanceImage(memories, globals);
  }

  /** Puts everything back; false when a memory has grown: none can shrink, and a guest can ask for its size. */
  restore(): boolean {
    for (const memory of this.#memories) if (memory.hasGrown) return false;
    for (const memory of this.#memories) memory.restore();
    // Whether or not they look the same: to JavaScript all NaNs are one, and a guest can write 51 bits into one.
    for (const [global, value] of this.#globals) global.value = value;
    return true;
  }
}

function viewsOf(buffer: ArrayBuffer): Buffer[] {
  return Array.from({ length: buffer.byteLength / PIECE_BYTES }, (_, index) =>
    Buffer.from(buffer, index * PIECE_BYTES, PIECE_BYTES),
  );
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
