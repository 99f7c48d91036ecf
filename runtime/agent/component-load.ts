import { NO_FILES } from './files-message.ts';
import { LateWriter } from './late-files.ts';
import { LatePlaces } from './late-places.ts';
import { type LoadMessage, WireError } from './wire.ts';
import type { WorkerComponent } from './worker-message.ts';

/** Collects the bytes of a load and makes a component of them. */
export class ComponentLoad {
  readonly id: number;
  readonly #message: LoadMessage;
  readonly #bytes: Uint8Array;
  /** Of the files, shared by all workers; at its end those of late ones. */
  readonly #files: Uint8Array;
  readonly #lateBytes: number;
  /** Takes what comes of late files, from now on. */
  readonly late: LateWriter;
  #length = 0;

  constructor(id: number, message: LoadMessage) {
    this.id = id;
    this.#message = message;
    this.#bytes = new Uint8Array(message.modules.reduce((sum, module) => sum + module.bytes, message.glueBytes));
    const { tableBytes, contentBytes, latePieces = [] } = message.files ?? NO_FILES;
    const places = new LatePlaces(latePieces);
    this.#lateBytes = places.bytes;
    this.#files = new Uint8Array(new SharedArrayBuffer(tableBytes + contentBytes + this.#lateBytes));
    this.late = new LateWriter(this.#files, tableBytes + contentBytes, places);
  }

  push(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#expected) {
      throw new WireError(`expected ${this.#expected} bytes of a load, got more`);
    }
    const code = bytes.subarray(0, Math.max(0, this.#bytes.length - this.#length));
    this.#bytes.set(code, Math.min(this.#length, this.#bytes.length));
    this.#files.set(bytes.subarray(code.length), Math.max(0, this.#length - this.#bytes.length));
    this.#length += bytes.length;
  }

  /** Compiles the modules, off this thread and once for all workers. Rejects when bytes are missing or do not compile. */
  async finish(): Promise<WorkerComponent> {
    if (this.#length !== this.#expected) {
      throw new Error(`expected ${this.#expected} bytes of a load, got ${this.#length}`);
    }
    const { glueBytes, modules } = this.#message;
    const glue = new TextDecoder().decode(this.#bytes.subarray(0, glueBytes));
    const compiled: [string, WebAssembly.Module][] = [];
    let at = glueBytes;
    for (const { name, bytes } of modules) {
      compiled.push([name, await WebAssembly.compile(this.#bytes.subarray(at, at + bytes) as BufferSource)]);
      at += bytes;
    }
    return { message: this.#message, glue, modules: compiled, files: this.#files, late: this.late.words };
  }

  get #expected(): number {
    return this.#bytes.length + this.#files.length - this.#lateBytes;
  }
}
