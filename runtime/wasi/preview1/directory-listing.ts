import { DISPOSE } from '../dispose.ts';
import type { Descriptor } from '../filesystem/descriptor.ts';
import type { DescriptorType } from '../filesystem/stat.ts';

/** One entry as `fd_readdir` tells it. */
export interface ListedEntry {
  readonly name: string;
  readonly type: DescriptorType;
  readonly inode: bigint;
}

/**
 * A directory that is read in pieces by cookies: the cookie of an entry is its place. Going on where the last call ended costs
 * nothing; any other cookie reads from the beginning. WASI 0.1 wants `.` and `..`, which WASI 0.2 leaves out.
 */
export class DirectoryListing {
  readonly #directory: Descriptor;
  #stream: ReturnType<Descriptor['readDirectory']>;
  /** Place of `#ahead`. */
  #at = 0n;
  #ahead: ListedEntry | null;

  constructor(directory: Descriptor) {
    this.#directory = directory;
    this.#stream = directory.readDirectory();
    this.#ahead = this.#special('.');
  }

  /** The entry at a place; null behind the last. */
  at(cookie: bigint): ListedEntry | null {
    if (cookie < this.#at) this.#rewind();
    while (this.#at < cookie && this.#ahead !== null) this.#advance();
    return this.#ahead;
  }

  close(): void {
    this.#stream[DISPOSE]();
  }

  #rewind(): void {
    this.#stream[DISPOSE]();
    this.#stream = this.#directory.readDirectory();
    this.#at = 0n;
    this.#ahead = this.#special('.');
  }

  #advance(): void {
    this.#at += 1n;
    if (this.#at === 1n) {
      this.#ahead = this.#special('..');
      return;
    }
    const entry = this.#stream.readDirectoryEntry();
    this.#ahead = entry === undefined ? null : { ...entry, inode: this.#inode(entry.name) };
  }

  #special(name: '.' | '..'): ListedEntry {
    return { name, type: 'directory', inode: name === '.' ? this.#directory.metadataHash().lower : 0n };
  }

  #inode(name: string): bigint {
    try {
      return this.#directory.metadataHashAt({}, name).lower;
    } catch (code) {
      // It was removed since the stream gave it.
      if (typeof code === 'string') return 0n;
      throw code;
    }
  }
}
