import type { ImageDirectory, ImageNode } from './file-image.ts';
import { FileTree } from './file-tree.ts';
import type { Arrive, GivenDirectory } from './tree-options.ts';

/** A directory that a function is granted, and the files that are in it at the start of each invocation. */
export interface GrantedDirectory {
  /** Under which the guest finds it. */
  readonly path: string;
  /** Names from the root of the guest's files. */
  readonly at: readonly string[];
  readonly writable: boolean;
  readonly files: readonly GrantedFile[];
}

/** A file by its names from its directory. */
export interface GrantedFile {
  readonly names: readonly string[];
  readonly bytes: Uint8Array;
  /** Its number, when the bytes may come later than the guest: whoever reads them first asks for it. */
  readonly late?: number | undefined;
}

interface GrowingDirectory extends ImageDirectory {
  readonly entries: Map<string, ImageNode>;
  own: boolean;
}

/** Directory entries that a guest may make in its scratch directories: each costs a node, whatever it holds. */
const SCRATCH_NODES = 16_384;

/** The files of a function, from which each invocation has a tree of its own. Immutable; the bytes are shared. */
export class GrantedFiles {
  readonly #image: ImageDirectory;
  readonly #directories: readonly GivenDirectory[];
  readonly #scratchBytes: number;
  readonly #own = { bytes: 0, nodes: 0 };

  /** `scratchBytes`: for all writable directories together, what is in them at the start included. Throws `TypeError` when places collide. */
  constructor(directories: readonly GrantedDirectory[], scratchBytes: number) {
    const root = newDirectory();
    for (const { at, writable, files } of directories) {
      const directory = descend(root, at);
      directory.own = writable;
      for (const file of files) place(directory, file, writable);
    }
    this.#count(root);
    if (this.#own.bytes > scratchBytes) {
      throw new TypeError(`expected at most ${scratchBytes} bytes in scratch directories, got ${this.#own.bytes}`);
    }
    this.#image = root;
    this.#directories = directories.map(({ path, at, writable }) => ({ path, at, writable }));
    this.#scratchBytes = scratchBytes;
  }

  /** Fresh files for one invocation. `arrive` makes it wait for bytes of late files. */
  tree(arrive?: Arrive): FileTree {
    const writable = this.#directories.some((directory) => directory.writable);
    return new FileTree({
      image: this.#image,
      directories: this.#directories,
      scratchBytes: writable ? this.#scratchBytes : 0,
      scratchNodes: writable ? SCRATCH_NODES + this.#own.nodes : 0,
      own: this.#own,
      ...(arrive === undefined ? {} : { arrive }),
    });
  }

  #count({ entries, own }: ImageDirectory): void {
    for (const node of entries.values()) {
      if (own === true) this.#own.nodes += 1;
      if (node.kind === 'directory') this.#count(node);
      else if (own === true) this.#own.bytes += node.bytes.length;
    }
  }
}

function place(directory: GrowingDirectory, { names, bytes, late }: GrantedFile, own: boolean): void {
  const parent = descend(directory, names.slice(0, -1), own);
  const name = names.at(-1);
  if (name === undefined || parent.entries.has(name)) {
    throw new TypeError(`expected each file once, got ${JSON.stringify(names.join('/'))} again`);
  }
  parent.entries.set(name, { kind: 'file', bytes, late: late ?? null });
}

function descend(from: GrowingDirectory, names: readonly string[], own = false): GrowingDirectory {
  return names.reduce((directory, name) => {
    const present = directory.entries.get(name) as GrowingDirectory | undefined;
    if (present?.kind === 'directory') return present;
    if (present !== undefined) throw new TypeError(`expected a directory, got the file ${JSON.stringify(name)}`);
    const made = newDirectory(own);
    directory.entries.set(name, made);
    return made;
  }, from);
}

function newDirectory(own = false): GrowingDirectory {
  return { kind: 'directory', entries: new Map(), own };
}
