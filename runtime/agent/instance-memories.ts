/** The linear memories of a component's core instances, which export them all. */
export class InstanceMemories {
  readonly #memories = new Set<WebAssembly.Memory>();

  add(instance: WebAssembly.Instance): void {
    for (const exported of Object.values(instance.exports)) {
      if (exported instanceof WebAssembly.Memory) this.#memories.add(exported);
    }
  }

  /** What they have together: they never shrink. */
  get bytes(): number {
    let bytes = 0;
    for (const { buffer } of this.#memories) bytes += buffer.byteLength;
    return bytes;
  }
}
