import { DISPOSE } from '../dispose.ts';
import type { Descriptor } from '../filesystem/descriptor.ts';
import type { InputStream } from '../io/input-stream.ts';
import type { OutputStream } from '../io/output-stream.ts';
import type { DirectoryListing } from './directory-listing.ts';
import { failWith } from './errno.ts';
import type { SystemCalls } from './system-calls.ts';

/** What a file descriptor number of WASI 0.1 stands for. */
export type OpenFile = InputFile | OutputFile | RegularFile | OpenDirectory;

export interface InputFile {
  readonly kind: 'input';
  readonly stream: InputStream;
}

export interface OutputFile {
  readonly kind: 'output';
  readonly stream: OutputStream;
}

/** A file of the guest's file system, with the position that WASI 0.2 leaves to its guest. */
export interface RegularFile {
  readonly kind: 'file';
  readonly descriptor: Descriptor;
  position: bigint;
  append: boolean;
  nonblock: boolean;
}

export interface OpenDirectory {
  readonly kind: 'directory';
  readonly descriptor: Descriptor;
  /** The path under which the guest was given it; null when it opened it itself. */
  readonly preopen: string | null;
  /** Where the guest is in reading it. */
  listing: DirectoryListing | null;
}

/** The numbers 0 to 2 are the standard streams, the given directories follow, and what the guest opens gets the lowest free number. */
export class FileTable {
  readonly #files = new Map<number, OpenFile>();
  /** No number below it is free. */
  #lowest = 0;

  constructor(system: SystemCalls) {
    this.#files.set(0, { kind: 'input', stream: system['wasi:cli/stdin'].getStdin() });
    this.#files.set(1, { kind: 'output', stream: system['wasi:cli/stdout'].getStdout() });
    this.#files.set(2, { kind: 'output', stream: system['wasi:cli/stderr'].getStderr() });
    for (const [descriptor, preopen] of system['wasi:filesystem/preopens'].getDirectories())
      this.open({ kind: 'directory', descriptor, preopen, listing: null });
  }

  /** The number of a file that is opened. How many there are is bounded by the resources behind them. */
  open(file: OpenFile): number {
    let fd = this.#lowest;
    while (this.#files.has(fd)) fd += 1;
    this.#files.set(fd, file);
    this.#lowest = fd + 1;
    return fd;
  }

  get(fd: number): OpenFile {
    return this.#files.get(fd >>> 0) ?? failWith('badf');
  }

  /** A regular file; `spipe` for a stream when the call needs a position, `badf` for what else it is. */
  file(fd: number): RegularFile {
    const file = this.get(fd);
    if (file.kind === 'file') return file;
    return failWith(file.kind === 'directory' ? 'badf' : 'spipe');
  }

  directory(fd: number): OpenDirectory {
    const file = this.get(fd);
    return file.kind === 'directory' ? file : failWith('notdir');
  }

  /** A file or a directory: what has a descriptor of WASI 0.2. */
  described(fd: number): RegularFile | OpenDirectory {
    const file = this.get(fd);
    return file.kind === 'file' || file.kind === 'directory' ? file : failWith('badf');
  }

  close(fd: number): void {
    const file = this.get(fd);
    this.#files.delete(fd >>> 0);
    this.#lowest = Math.min(this.#lowest, fd >>> 0);
    release(file);
  }

  /** Lets `to` stand for what `from` stood for; both must be open. */
  renumber(from: number, to: number): void {
    const file = this.get(from);
    const replaced = this.get(to);
    if (file === replaced) return;
    this.#files.set(to >>> 0, file);
    this.#files.delete(from >>> 0);
    this.#lowest = Math.min(this.#lowest, from >>> 0);
    release(replaced);
  }
}

function release(file: OpenFile): void {
  if (file.kind === 'input' || file.kind === 'output') {
    file.stream[DISPOSE]();
    return;
  }
  if (file.kind === 'directory') file.listing?.close();
  file.descriptor[DISPOSE]();
}
