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
  #ahead: Omit<ListedEntry, 'inode'> | null;

  constructor(directory: Descriptor) {
    this.#directory = directory;
    this.#stream = directory.readDirectory();
    this.#ahead = { name: '.', type: 'directory' };
  }

  /** The entry at a place; null behind the last. */
  at(cookie: bigint): ListedEntry | null {
    if (cookie < this.#at) this.#rewind();
    while (this.#at < cookie && this.#ahead !== null) this.#advance();
    return this.#ahead === null ? null : { ...this.#ahead, inode: this.#inode(this.#ahead.name) };
  }

  close(): void {
    this.#stream[DISPOSE]();
  }

  #rewind(): void {
    this.#stream[DISPOSE]();
    this.#stream = this.#directory.readDirectory();
    this.#at = 0n;
    this.#ahead = { name: '.', type: 'directory' };
  }

  #advance(): void {
    this.#at += 1n;
    if (this.#at === 1n) {
      this.#ahead = { name: '..', type: 'directory' };
      return;
    }
    const entry = this.#stream.readDirectoryEntry();
    this.#ahead = entry ?? null;
  }

  #inode(name: string): bigint {
    // What is above is not told: it may not be the guest's.
    if (name === '..') return 0n;
    try {
      return this.#directory.metadataHashAt({}, name).lower;
    } catch (code) {
      // It was removed since the stream gave it.
      if (typeof code === 'string') return 0n;
      throw code;
    }
  }
}
