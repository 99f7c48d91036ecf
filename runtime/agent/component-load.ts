import { type LoadMessage, WireError } from './wire.ts';
import type { WorkerComponent } from './worker-message.ts';

/** Collects the bytes of a load and makes a component of them. */
export class ComponentLoad {
  readonly id: number;
  readonly #message: LoadMessage;
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(id: number, message: LoadMessage) {
    this.id = id;
    this.#message = message;
    this.#bytes = new Uint8Array(message.modules.reduce((sum, module) => sum + module.bytes, message.glueBytes));
  }

  push(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) {
      throw new WireError(`expected ${this.#bytes.length} bytes of a load, got more`);
    }
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Compiles the modules, off this thread and once for all workers. Rejects when bytes are missing or do not compile. */
  async finish(): Promise<WorkerComponent> {
    if (this.#length !== this.#bytes.length) {
      throw new Error(`expected ${this.#bytes.length} bytes of a load, got ${this.#length}`);
    }
    const { glueBytes, modules } = this.#message;
    const glue = new TextDecoder().decode(this.#bytes.subarray(0, glueBytes));
    const compiled: [string, WebAssembly.Module][] = [];
    let at = glueBytes;
    for (const { name, bytes } of modules) {
      compiled.push([name, await WebAssembly.compile(this.#bytes.subarray(at, at + bytes) as BufferSource)]);
      at += bytes;
    }
    return { message: this.#message, glue, modules: compiled };
  }
}
