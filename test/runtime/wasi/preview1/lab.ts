import {
  createWasi,
  instantiatePreview1,
  PREVIEW1,
  type SystemCalls,
  type WasiBackend,
} from '../../../../runtime/wasi/index.ts';
import { wat } from '../../../support/wat.ts';
import { backend } from '../backend.ts';

/** Parameters of every function of WASI 0.1: `i` is i32, `l` is i64. All give an i32 but `proc_exit`. */
export const SIGNATURES = {
  args_get: 'ii',
  args_sizes_get: 'ii',
  clock_res_get: 'ii',
  clock_time_get: 'ili',
  environ_get: 'ii',
  environ_sizes_get: 'ii',
  fd_advise: 'illi',
  fd_allocate: 'ill',
  fd_close: 'i',
  fd_datasync: 'i',
  fd_fdstat_get: 'ii',
  fd_fdstat_set_flags: 'ii',
  fd_fdstat_set_rights: 'ill',
  fd_filestat_get: 'ii',
  fd_filestat_set_size: 'il',
  fd_filestat_set_times: 'illi',
  fd_pread: 'iiili',
  fd_prestat_dir_name: 'iii',
  fd_prestat_get: 'ii',
  fd_pwrite: 'iiili',
  fd_read: 'iiii',
  fd_readdir: 'iiili',
  fd_renumber: 'ii',
  fd_seek: 'ilii',
  fd_sync: 'i',
  fd_tell: 'ii',
  fd_write: 'iiii',
  path_create_directory: 'iii',
  path_filestat_get: 'iiiii',
  path_filestat_set_times: 'iiiilli',
  path_link: 'iiiiiii',
  path_open: 'iiiiillii',
  path_readlink: 'iiiiii',
  path_remove_directory: 'iii',
  path_rename: 'iiiiii',
  path_symlink: 'iiiii',
  path_unlink_file: 'iii',
  poll_oneoff: 'iiii',
  proc_exit: 'i',
  proc_raise: 'i',
  random_get: 'ii',
  sched_yield: '',
  sock_accept: 'iii',
  sock_recv: 'iiiiii',
  sock_send: 'iiiii',
  sock_shutdown: 'ii',
} as const;

export type CallName = keyof typeof SIGNATURES;

/** A module that hands every function of WASI 0.1 on to whoever holds its exports, and has one page of memory. */
function moduleText(): string {
  const names = Object.entries(SIGNATURES);
  const params = (letters: string) => [...letters].map((letter) => (letter === 'i' ? 'i32' : 'i64')).join(' ');
  const type = (letters: string, name: string) =>
    `(param ${params(letters)})${name === 'proc_exit' ? '' : ' (result i32)'}`;
  const imports = names.map(
    ([name, letters]) => `(import "${PREVIEW1}" "${name}" (func $${name} ${type(letters, name)}))`,
  );
  const exports = names.map(([name, letters]) => {
    const args = [...letters].map((_, index) => `(local.get ${index})`).join(' ');
    return `(func (export "${name}") ${type(letters, name)} (call $${name} ${args}))`;
  });
  return `(module ${imports.join('\n')} (memory (export "memory") 1) (func (export "_start")) ${exports.join('\n')})`;
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** A command of WASI 0.1 whose calls a test makes. */
export class Preview1Lab {
  readonly #exports: WebAssembly.Exports;
  readonly reset: () => void;

  private constructor(exports: WebAssembly.Exports, reset: () => void) {
    this.#exports = exports;
    this.reset = reset;
  }

  static async open(given: Partial<WasiBackend> = {}): Promise<Preview1Lab> {
    compiled ??= wat(moduleText()).then((bytes) => WebAssembly.compile(bytes));
    const wasi = createWasi(backend(given));
    let exports: WebAssembly.Exports = {};
    const command = await instantiatePreview1(
      await compiled,
      wasi.imports as unknown as SystemCalls,
      (module, imports) => {
        const instance = new WebAssembly.Instance(module, imports);
        exports = instance.exports;
        return instance;
      },
    );
    await command.run();
    return new Preview1Lab(exports, command.reset);
  }

  /** Calls a function; gives its error number. */
  call(name: CallName, ...args: (number | bigint)[]): Promise<number> {
    const { promising } = WebAssembly as unknown as { promising(fn: unknown): (...args: unknown[]) => Promise<number> };
    return promising(this.#exports[name])(...args);
  }

  /** Adds pages to the memory, as the program would. */
  grow(pages: number): void {
    (this.#exports['memory'] as WebAssembly.Memory).grow(pages);
  }

  get memory(): Uint8Array {
    return new Uint8Array((this.#exports['memory'] as WebAssembly.Memory).buffer);
  }

  get view(): DataView {
    return new DataView((this.#exports['memory'] as WebAssembly.Memory).buffer);
  }

  /** Puts a text into the memory; gives its address and length, as calls want them. */
  text(text: string, at = 1024): [at: number, length: number] {
    const bytes = new TextEncoder().encode(text);
    this.memory.set(bytes, at);
    return [at, bytes.length];
  }

  /** Reads a text from the memory. */
  read(at: number, length: number): string {
    return new TextDecoder().decode(this.memory.slice(at, at + length));
  }

  /** Puts a vector of buffers into the memory at 512; gives its address and count. */
  vector(...pieces: [at: number, length: number][]): [at: number, count: number] {
    for (const [index, [at, length]] of pieces.entries()) {
      this.view.setUint32(512 + index * 8, at, true);
      this.view.setUint32(516 + index * 8, length, true);
    }
    return [512, pieces.length];
  }

  /** Opens a path from a directory with all rights; gives the number. */
  async open(path: string, oflags = 0, fdflags = 0, rights = -1n, from = 3): Promise<number> {
    const errno = await this.call('path_open', from, 0, ...this.text(path), oflags, rights, -1n, fdflags, 8);
    if (errno !== 0) throw new Error(`opening ${path}: error ${errno}`);
    return this.view.getUint32(8, true);
  }
}
