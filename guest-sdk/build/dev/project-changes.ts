import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { CloudletError } from '../../protocol/index.ts';
import type { BuildWrites } from './build-writes.ts';
import { OutsideFiles } from './outside-files.ts';
import { WatchedFolders } from './watched-folders.ts';

/** How long changes are gathered after the last one, milliseconds: an editor writes a file in several steps, a branch changes many. */
const GATHER_MS = 15;

/** Folders that a build writes or that nobody edits. */
const LEFT_OUT = /(?:^|\/)(?:build|node_modules|\.[^/]*)(?:\/|$)/;

/** Largest file whose content is compared, bytes; a larger one has changed when it was written. */
const MAX_COMPARED = 4 * 1024 * 1024;

/** What of a project is watched beside its folder, and what is no change in it. */
export interface ChangeOptions {
  /** Called once with what watches a file outside of the folder too, by its absolute path; it is told as `../shared/x.ts`. */
  readonly outside?: (add: (path: string) => void) => void;
  /** What a build writes in the folder, for a project whose builds do. */
  readonly writes?: BuildWrites;
}

/**
 * Watches a project and gives, each time that something in it has changed, the paths that did, relative to its folder and sorted. A file
 * that was only written anew with what it had is no change. Ends when `signal` fires; `project-invalid` when the folder is gone.
 */
export async function* projectChanges(
  folder: string,
  signal: AbortSignal,
  { outside, writes }: ChangeOptions = {},
): AsyncGenerator<readonly string[]> {
  const pending = new Set<string>();
  let wake = Promise.withResolvers<void>();
  const touched = (path: string): void => {
    writes?.note(path);
    pending.add(path);
    wake.resolve();
  };
  let failure: { readonly error: unknown } | undefined;
  const watched = new WatchedFolders({
    folder,
    leftOut: (path) => LEFT_OUT.test(path),
    changed: touched,
    failed: (error) => {
      failure = { error };
      wake.resolve();
    },
  });
  const others = new OutsideFiles((path) => touched(relative(folder, path).split(sep).join('/')));
  outside?.((path) => others.add(path));
  const known = stampsIn(folder);
  const end = (): void => wake.resolve();
  signal.addEventListener('abort', end, { once: true });
  if (pending.size > 0 || signal.aborted) end();
  try {
    while (!signal.aborted) {
      await wake.promise;
      if (failure !== undefined) throw failure.error;
      wake = Promise.withResolvers();
      for (let seen = -1; seen !== pending.size && !signal.aborted; ) {
        seen = pending.size;
        await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      }
      // Whatever takes its name later is another folder, which nobody watches.
      if (!existsSync(folder))
        throw new CloudletError('project-invalid', `${folder} is gone; begin again where the project is now`);
      const paths = [...pending].sort();
      pending.clear();
      const changed: string[] = [];
      for (const path of paths) {
        const stamp = stampOf(join(folder, path));
        const before = known.get(path) ?? GONE;
        if (stamp !== before && writes?.isEdit(path, before === GONE) !== false) changed.push(path);
        known.set(path, stamp);
      }
      if (changed.length > 0 && !signal.aborted) yield changed;
    }
  } finally {
    signal.removeEventListener('abort', end);
    watched.close();
    others.close();
  }
}

/** What each file of a project is now; at once, so that nothing which changes from here on is taken for what was there. */
function stampsIn(folder: string): Map<string, string> {
  const known = new Map<string, string>();
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const plain = path.split(sep).join('/');
    if (!LEFT_OUT.test(plain)) known.set(plain, stampOf(join(folder, path)));
  }
  return known;
}

const GONE = 'gone';

/** What tells one state of a file from another: its content. */
function stampOf(path: string): string {
  try {
    const found = statSync(path);
    // Pipes and devices have no end.
    if (!found.isFile()) return found.isDirectory() ? 'folder' : 'neither';
    if (found.size > MAX_COMPARED) return `${found.size} ${found.mtimeMs}`;
    return createHash('sha256').update(readFileSync(path)).digest('base64');
  } catch {
    return GONE;
  }
}
