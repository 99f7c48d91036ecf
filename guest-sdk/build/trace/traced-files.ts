import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudletError } from '../../protocol/index.ts';

/** A directory of this computer and where the guest finds it. */
export interface TracedDirectory {
  readonly host: string;
  readonly guest: string;
}

/** A file that the guest may read, and where it is. */
export interface TracedFile {
  /** Absolute, as the guest sees it. */
  readonly path: string;
  readonly source: string;
  readonly bytes: Uint8Array;
}

/** Most files that a traced guest is given, and their bytes: it has them in memory. */
const MAX_FILES = 65_536;
const MAX_BYTES = 1024 ** 3;

/** Folders that belong to tools and not to programs, and can be very large. */
const SKIPPED: ReadonlySet<string> = new Set(['.git', 'node_modules', '.cloudlet']);

/**
 * Reads the files and directories that a trace allows; a later one stands in front of an earlier one. `project-invalid` names one that
 * cannot be read, or where it becomes too much.
 */
export async function readTracedFiles(directories: readonly TracedDirectory[]): Promise<TracedFile[]> {
  const files = new Map<string, TracedFile>();
  let bytes = 0;
  const seen = new Set<string>();
  const take = async (host: string, guest: string): Promise<void> => {
    const found = await stat(host).catch((error: NodeJS.ErrnoException) => {
      throw invalid(`expected a file or directory that the function may read at ${host}, got ${error.code}`, error);
    });
    if (found.isDirectory()) {
      // A link may lead to a directory above.
      const real = `${await realpath(host)} ${guest}`;
      if (seen.has(real) || guest.length > 4096) return;
      seen.add(real);
      for (const name of (await readdir(host)).sort()) {
        if (!SKIPPED.has(name)) await takeBelow(join(host, name), guest === '/' ? `/${name}` : `${guest}/${name}`);
      }
      return;
    }
    if (!found.isFile()) return;
    bytes += found.size - (files.get(guest)?.bytes.length ?? 0);
    if (bytes > MAX_BYTES || files.size >= MAX_FILES) {
      throw invalid(
        `expected at most ${MAX_FILES} files of ${MAX_BYTES} bytes together, got more at ${host}; allow a smaller directory with --dir`,
      );
    }
    // A package holds no links.
    files.set(guest, { path: guest, source: await realpath(host), bytes: await readFile(host) });
  };
  // What lies in a directory and cannot be read is not there for the guest either.
  const takeBelow = (host: string, guest: string): Promise<void> =>
    take(host, guest).catch((error: unknown) => {
      const code =
        ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? (error as { code?: string }).code;
      if (code !== 'EACCES' && code !== 'ENOENT' && code !== 'ELOOP') throw error;
    });
  for (const { host, guest } of directories) await take(host, guest);
  return [...files.values()];
}

function invalid(sentence: string, cause?: unknown): CloudletError {
  return new CloudletError('project-invalid', sentence, { cause });
}
