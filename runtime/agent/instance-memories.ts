import { RESERVED_EXPORTS } from '../component/rewrite/metered-instance.ts';

/** The linear memories of a component's core instances, which export them all. */
export class InstanceMemories {
  /** With a view of each: one that grows lets go of it, and to ask a view costs less than to ask the memory. */
  readonly #memories = new Map<WebAssembly.Memory, Uint8Array>();
  readonly #refused: WebAssembly.Global[] = [];

  add(instance: WebAssembly.Instance): void {
    for (const exported of Object.values(instance.exports)) {
      if (exported instanceof WebAssembly.Memory) this.#memories.set(exported, new Uint8Array(exported.buffer));
    }
    const refused = instance.exports[RESERVED_EXPORTS.refused];
    if (refused instanceof WebAssembly.Global) this.#refused.push(refused);
  }

  /** Whether one of them was not given what it asked for. */
  get refused(): boolean {
    return this.#refused.some(({ value }) => value !== 0);
  }

  /** What they have together: they never shrink. */
  get bytes(): number {
    let bytes = 0;
    for (const [memory, view] of this.#memories) bytes += view.length > 0 ? view.length : this.#look(memory);
    return bytes;
  }

  #look(memory: WebAssembly.Memory): number {
    const view = new Uint8Array(memory.buffer);
    this.#memories.set(memory, view);
    return view.length;
  }
}
