import { MemoryImage } from './memory-image.ts';

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
