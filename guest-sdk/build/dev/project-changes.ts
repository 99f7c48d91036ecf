import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { CloudletError } from '../../protocol/index.ts';

/** How long changes are gathered after the last one, milliseconds: an editor writes a file in several steps, a branch changes many. */
const GATHER_MS = 15;

/** Folders that a build writes or that nobody edits. */
const LEFT_OUT = /(?:^|\/)(?:build|node_modules|\.[^/]*)(?:\/|$)/;

/** Largest file whose content is compared, bytes; a larger one has changed when it was written. */
const MAX_COMPARED = 4 * 1024 * 1024;

/**
 * Watches a project and gives, each time that something in it has changed, the paths that did, relative to its folder and sorted. A file
 * that was only written anew with what it had is no change. Ends when `signal` fires.
 */
export async function* projectChanges(folder: string, signal: AbortSignal): AsyncGenerator<readonly string[]> {
  const pending = new Set<string>();
  let wake = Promise.withResolvers<void>();
  const watcher = watchFolder(folder, (path) => {
    if (LEFT_OUT.test(path)) return;
    pending.add(path);
    wake.resolve();
  });
  const known = await stampsIn(folder);
  const end = (): void => wake.resolve();
  signal.addEventListener('abort', end, { once: true });
  if (pending.size > 0 || signal.aborted) end();
  watcher.once('error', end);
  try {
    while (!signal.aborted) {
      await wake.promise;
      wake = Promise.withResolvers();
      for (let seen = -1; seen !== pending.size && !signal.aborted; ) {
        seen = pending.size;
        await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      }
      const paths = [...pending].sort();
      pending.clear();
      const changed: string[] = [];
      for (const path of paths) {
        const stamp = await stampOf(join(folder, path));
        if (stamp !== (known.get(path) ?? GONE)) changed.push(path);
        known.set(path, stamp);
      }
      if (changed.length > 0 && !signal.aborted) yield changed;
    }
  } finally {
    signal.removeEventListener('abort', end);
    watcher.close();
  }
}

/** What each file of a project is now. */
async function stampsIn(folder: string): Promise<Map<string, string>> {
  const known = new Map<string, string>();
  for (const path of await readdir(folder, { recursive: true })) {
    const plain = path.split(sep).join('/');
    if (!LEFT_OUT.test(plain)) known.set(plain, await stampOf(join(folder, path)));
  }
  return known;
}

const GONE = 'gone';

/** What tells one state of a file from another: its content. */
async function stampOf(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > MAX_COMPARED) return `${bytes.length} ${performance.now()}`;
    return createHash('sha256').update(bytes).digest('base64');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EISDIR' ? 'folder' : GONE;
  }
}

function watchFolder(folder: string, changed: (path: string) => void): FSWatcher {
  try {
    return watch(folder, { recursive: true }, (_, name) => {
      if (name !== null) changed(name.split(sep).join('/'));
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const remedy = code === 'ENOSPC' ? '; the system watches too many files: raise fs.inotify.max_user_watches' : '';
    throw new CloudletError('project-invalid', `${folder} cannot be watched (${code ?? message})${remedy}`, {
      cause: error,
    });
  }
}
