import { constants, open, readdir, realpath, stat, statfs } from 'node:fs/promises';
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

/** File systems whose files the kernel makes up when they are read, some of them without an end: `/proc`, `/sys`, what is mounted in them. */
const MADE_UP: ReadonlySet<number> = new Set([
  0x9fa0, 0x62656572, 0x64626720, 0x74726163, 0x27e0eb, 0x63677270, 0xcafe4a11,
]);

/**
 * Reads the files and directories that a trace allows; a later one stands in front of an earlier one. What lies in a directory and is no file, cannot
 * be read, or is made up by the kernel is not there for the guest. `project-invalid` names one that cannot be read, or where it becomes too much.
 */
export async function readTracedFiles(directories: readonly TracedDirectory[]): Promise<TracedFile[]> {
  const files = new Map<string, TracedFile>();
  let left = MAX_BYTES;
  const take = async (host: string, guest: string, above: readonly string[]): Promise<void> => {
    const found = await stat(host).catch((error: NodeJS.ErrnoException) => {
      throw invalid(`expected a file or directory that the function may read at ${host}, got ${error.code}`, error);
    });
    const isNamed = above.length === 0;
    if (found.isDirectory()) {
      const real = await realpath(host);
      // A link that leads to a directory above would be followed for ever.
      if (above.includes(real)) return;
      if (MADE_UP.has((await statfs(real)).type)) {
        if (!isNamed) return;
        throw invalid(
          `expected a directory of files, got ${host}, which the kernel makes up; name the files in it that are meant`,
        );
      }
      for (const name of (await readdir(host)).sort()) {
        if (!SKIPPED.has(name))
          await takeBelow(join(host, name), guest === '/' ? `/${name}` : `${guest}/${name}`, [...above, real]);
      }
      return;
    }
    if (!found.isFile()) {
      if (!isNamed) return;
      throw invalid(`expected a file or directory that the function may read at ${host}, got a device, pipe or socket`);
    }
    left += files.get(guest)?.bytes.length ?? 0;
    const bytes = found.size > left || files.size >= MAX_FILES ? null : await readUpTo(host, left);
    if (bytes === null) {
      throw invalid(
        `expected at most ${MAX_FILES} files of ${MAX_BYTES} bytes together, got more at ${host}; allow a smaller directory with --dir`,
      );
    }
    left -= bytes.length;
    // A package holds no links.
    files.set(guest, { path: guest, source: await realpath(host), bytes });
  };
  const takeBelow = (host: string, guest: string, above: readonly string[]): Promise<void> =>
    take(host, guest, above).catch((error: unknown) => {
      const cause = error instanceof CloudletError ? error.cause : error;
      if (typeof (cause as NodeJS.ErrnoException | undefined)?.code !== 'string') throw error;
    });
  for (const { host, guest } of directories) await take(host, guest, []);
  return [...files.values()];
}

/** The bytes of a file; null when they are more than `most`, whatever it said of its length. One that would make a reader wait fails. */
async function readUpTo(path: string, most: number): Promise<Uint8Array | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for (;;) {
      const { buffer, bytesRead } = await file.read(new Uint8Array(READ_BYTES), 0, READ_BYTES);
      if (bytesRead === 0) return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
      bytes += bytesRead;
      if (bytes > most) return null;
      pieces.push(bytesRead === READ_BYTES ? buffer : buffer.slice(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

const READ_BYTES = 256 * 1024;

function invalid(sentence: string, cause?: unknown): CloudletError {
  return new CloudletError('project-invalid', sentence, { cause });
}
