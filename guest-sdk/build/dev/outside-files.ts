import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Files outside of a project's folder that its builds read, watched from the moment that one is added. */
export class OutsideFiles {
  readonly #changed: (path: string) => void;
  /** By folder, since an editor puts another file in the place of the one that was read. */
  readonly #folders = new Map<string, { readonly names: Set<string>; readonly watcher: FSWatcher | null }>();

  /** `changed` is called with the path of a file that was written, made or removed. */
  constructor(changed: (path: string) => void) {
    this.#changed = changed;
  }

  /** Watches a file too, named by its absolute path. */
  add(path: string): void {
    const folder = dirname(path);
    const names = this.#folders.get(folder)?.names ?? new Set<string>();
    names.add(basename(path));
    if (this.#folders.has(folder)) return;
    this.#folders.set(folder, { names, watcher: this.#watch(folder, names) });
  }

  /** Ends the watching. Idempotent. */
  close(): void {
    for (const { watcher } of this.#folders.values()) watcher?.close();
    this.#folders.clear();
  }

  #watch(folder: string, names: ReadonlySet<string>): FSWatcher | null {
    try {
      const watcher = watch(folder, (_, name) => {
        if (name !== null && names.has(name)) this.#changed(`${folder}/${name}`);
      });
      // A folder that goes takes its files along, which the next build says.
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      // What cannot be watched is still built: an edit of it is seen with the next one in the project.
      return null;
    }
  }
}
