import { FileTable } from './file-table.ts';
import type { GuestMemory } from './guest-memory.ts';
import type { SystemCalls } from './system-calls.ts';

/** What the functions of WASI 0.1 share in one instance: its memory, the WASI 0.2 beside it, its open files. */
export class ProcessState {
  readonly system: SystemCalls;
  readonly #memory: () => GuestMemory;
  #files: FileTable | null = null;

  constructor(system: SystemCalls, memory: () => GuestMemory) {
    this.system = system;
    this.#memory = memory;
  }

  get memory(): GuestMemory {
    return this.#memory();
  }

  /** Made when the guest first asks: before there is an invocation there are no streams. */
  get files(): FileTable {
    this.#files ??= new FileTable(this.system);
    return this.#files;
  }

  /** Forgets the files of an invocation that is over; their resources ended with it. */
  forget(): void {
    this.#files = null;
  }
}
