import type { Context } from '../context.ts';
import { DISPOSE } from '../dispose.ts';
import type { FileTree } from './file-tree.ts';
import type { DirectoryEntry, DirectoryNode } from './node.ts';
import { type DescriptorType, typeOf } from './stat.ts';

/**
 * `wasi:filesystem/types`'s resource `directory-entry-stream`.
 * It runs over the live directory, so that it holds no list: what is removed meanwhile is left out, and so is what was made
 * after it began, because a guest that makes a file for each entry would otherwise never come to the end.
 */
export class DirectoryEntryStream {
  #context: Context | null;
  readonly #entries: MapIterator<[string, DirectoryEntry]>;
  readonly #lastSequence: number;

  constructor(context: Context, tree: FileTree, directory: DirectoryNode) {
    context.retain();
    this.#context = context;
    this.#entries = tree.entries(directory).entries();
    this.#lastSequence = tree.lastSequence;
  }

  readDirectoryEntry(): { readonly type: DescriptorType; readonly name: string } | undefined {
    for (;;) {
      const next = this.#entries.next();
      if (next.done) return undefined;
      const [name, entry] = next.value;
      if (entry.sequence <= this.#lastSequence) return { type: typeOf(entry.node), name };
    }
  }

  [DISPOSE](): void {
    this.#context?.release();
    this.#context = null;
  }
}
