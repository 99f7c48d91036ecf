import { type Dirent, type FSWatcher, lstatSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { CloudletError } from '../../protocol/index.ts';

/** What `WatchedFolders` watches, and whom it tells. */
export interface FolderWatch {
  readonly folder: string;
  /** Whether a path, relative to `folder` and with `/`, is left alone, and all below it. */
  readonly leftOut: (path: string) => boolean;
  /** A file or folder may have changed, come or gone. */
  readonly changed: (path: string) => void;
  /** A folder that came later cannot be watched. */
  readonly failed: (error: unknown) => void;
}

/**
 * Tells of changes in a folder and all below it, until `close()`.
 * Each folder is watched by itself: Node's own recursive watch follows files, and loses one for good when an editor saves by writing a new
 * file and renaming it over the old (vim, `sed -i`, git).
 */
export class WatchedFolders {
  readonly #watch: FolderWatch;
  readonly #watchers = new Map<string, FSWatcher>();

  /** Throws `project-invalid` when the system refuses to watch. */
  constructor(watch: FolderWatch) {
    this.#watch = watch;
    this.#add('');
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** Watches a folder and those below it; `tell` has the files in them, which may be older than the watch. */
  #add(path: string, tell?: (path: string) => void): void {
    const folder = join(this.#watch.folder, path);
    this.#open(path, folder);
    for (const entry of entriesOf(folder)) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      if (this.#watch.leftOut(below)) continue;
      tell?.(below);
      if (entry.isDirectory()) this.#add(below, tell);
    }
  }

  #open(path: string, folder: string): void {
    try {
      const watcher = watch(folder, (_, name) => {
        if (name !== null) this.#told(path === '' ? name : `${path}/${name}`);
      });
      // That a folder went is told by the one above it.
      watcher.on('error', () => this.#forget(path));
      this.#watchers.set(path, watcher);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (path !== '' && code === 'ENOENT') return;
      const remedy = code === 'ENOSPC' ? '; the system watches too many files: raise fs.inotify.max_user_watches' : '';
      this.close();
      throw new CloudletError('project-invalid', `${folder} cannot be watched (${code ?? message})${remedy}`, {
        cause: error,
      });
    }
  }

  /** A folder that came is watched, and one that went, or was put in another's place, no more as what it was. */
  #told(path: string): void {
    if (this.#watch.leftOut(path)) return;
    this.#watch.changed(path);
    this.#forget(path);
    if (!lstatSync(join(this.#watch.folder, path), { throwIfNoEntry: false })?.isDirectory()) return;
    try {
      this.#add(path, this.#watch.changed);
    } catch (error) {
      this.#watch.failed(error);
    }
  }

  #forget(path: string): void {
    for (const [known, watcher] of this.#watchers) {
      if (known !== path && !known.startsWith(`${path}/`)) continue;
      watcher.close();
      this.#watchers.delete(known);
    }
  }
}

/** What is in a folder; nothing in one that went meanwhile. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
