import { RESERVED_EXPORTS } from '../component/rewrite/metered-instance.ts';

/** The linear memories of a component's core instances, which export them all. */
export class InstanceMemories {
  readonly #memories = new Set<WebAssembly.Memory>();
  readonly #refused: WebAssembly.Global[] = [];

  add(instance: WebAssembly.Instance): void {
    for (const exported of Object.values(instance.exports)) {
      if (exported instanceof WebAssembly.Memory) this.#memories.add(exported);
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
    for (const { buffer } of this.#memories) bytes += buffer.byteLength;
    return bytes;
  }
}
