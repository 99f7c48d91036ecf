import { createHash } from 'node:crypto';
import { type FileHandle, readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { CloudletError } from '../../protocol/index.ts';
import { openFile } from '../open-file.ts';

/** Folders that hold no program of a build: probes, and what a build of ours wrote. */
const LEFT_OUT = new Set(['.git', 'node_modules', 'CMakeFiles', 'autom4te.cache']);
/** Most files that are looked at. */
const MAX_FILES = 100_000;

const MAGIC = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
/** First section of an object file: what is not linked yet says so at the start. */
const CUSTOM = 0;

/**
 * The one program that a build left below a folder, newer than `sinceMs`; when it made none anew, of all that are there.
 * @throws CloudletError `build-failed` when there is none or a choice.
 */
export async function findProgram(folder: string, sinceMs: number): Promise<string> {
  const all = await programs(folder);
  const fresh = all.filter(({ mtimeMs }) => mtimeMs >= sinceMs);
  const found = fresh.length > 0 ? fresh : all;
  const different = await byContent(found.map(({ path }) => path));
  if (different.length === 1) return different[0]!;
  if (different.length === 0) {
    throw failed(
      `the command ended well, and left no WebAssembly program in ${folder}; does it link one, by $CC? Name it with --output when it lies elsewhere`,
    );
  }
  const names = different.map((path) => relative(folder, path)).sort();
  const shown = names.slice(0, 12).join(', ');
  throw failed(
    `the command left ${names.length} programs: ${shown}${names.length > 12 ? ', …' : ''}; say which one with --output ${names[0]}`,
  );
}

/** One path for each content, the shortest: builds leave copies where they were linked and where they belong. */
async function byContent(paths: readonly string[]): Promise<string[]> {
  const found = new Map<string, string>();
  for (const path of [...paths].sort((a, b) => a.length - b.length || (a < b ? -1 : 1))) {
    const digest = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    if (!found.has(digest)) found.set(digest, path);
  }
  return [...found.values()];
}

/** Whether a file is a linked WebAssembly program. */
export async function isProgram(path: string): Promise<boolean> {
  const file = await openFile(path);
  if (file === null) return false;
  try {
    const head = new Uint8Array(9);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    if (bytesRead < head.length || MAGIC.some((byte, at) => head[at] !== byte)) return false;
    // Both kinds have sections of their own names; only an object names "linking", and that comes late. It has no exports.
    return head[8] !== CUSTOM && (await hasSection(file, EXPORT));
  } finally {
    await file.close();
  }
}

const EXPORT = 7;

async function hasSection(file: FileHandle, wanted: number): Promise<boolean> {
  const { size } = await file.stat();
  const head = new Uint8Array(6);
  for (let at = 8; at < size; ) {
    const { bytesRead } = await file.read(head, 0, head.length, at);
    let length = 0;
    let used = 1;
    for (let shift = 0; used < bytesRead; shift += 7) {
      const byte = head[used++]!;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    if (head[0] === wanted) return true;
    at += used + length;
  }
  return false;
}

async function programs(folder: string): Promise<{ path: string; mtimeMs: number }[]> {
  const found: { path: string; mtimeMs: number }[] = [];
  let seen = 0;
  const look = async (at: string): Promise<void> => {
    for (const entry of await readdir(at, { withFileTypes: true })) {
      const path = join(at, entry.name);
      if (entry.isDirectory()) {
        if (!LEFT_OUT.has(entry.name)) await look(path);
        continue;
      }
      seen += 1;
      if (seen > MAX_FILES) throw failed(`${folder} has more than ${MAX_FILES} files; name the program with --output`);
      if (entry.isFile() && !/\.(o|a|c|h|cc|cpp|wat)$/.test(entry.name) && (await isProgram(path)))
        found.push({ path, mtimeMs: (await stat(path)).mtimeMs });
    }
  };
  await look(folder);
  return found;
}

function failed(sentence: string): CloudletError {
  return new CloudletError('build-failed', sentence);
}
