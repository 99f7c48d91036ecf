import { access, lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import {
  askedGrant,
  CloudletError,
  type GrantRequest,
  type TarFile,
  type WrittenPackage,
  writePackage,
} from '../protocol/index.ts';
import { PROJECT_FILE, readGrant } from './project.ts';

/** What is packed. */
export interface PackOptions {
  /** Path of a component, or of a WASI 0.1 core module. */
  readonly component: string;
  /** What the function asks for; the paths of `from` are below `folder`. */
  readonly grant: GrantRequest;
  readonly folder: string;
}

/** Most files of a package, and their bytes together: what a host takes of them. */
const MAX_FILES = 4096;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Packs a component with its grant and the files that this names. The same content gives the same bytes. `project-invalid` names a file
 * that is not there, is a link or a device, or is too much.
 */
export async function pack({ component, grant, folder }: PackOptions): Promise<WrittenPackage> {
  const { files, scratch } = askedGrant(grant);
  const found = new Map<string, Uint8Array>();
  let left = MAX_BYTES;
  for (const from of [...files, ...scratch].flatMap((each) => each.from ?? [])) {
    for (const path of await filesAt(folder, from)) {
      if (found.has(path)) continue;
      const bytes = await readFile(join(folder, path));
      left -= bytes.length;
      if (left < 0 || found.size === MAX_FILES) {
        throw invalid(
          `expected at most ${MAX_FILES} files of ${MAX_BYTES} bytes together, got more at ${JSON.stringify(from)}`,
        );
      }
      found.set(path, bytes);
    }
  }
  return writePackage({ component: await readFile(component), grant, files: [...found] satisfies TarFile[] });
}

/**
 * Packs what was built of the project in a folder; null when its project file asks for nothing, or there is none: then its component
 * is all that is published.
 */
export async function packBuilt(folder: string, component: string): Promise<WrittenPackage | null> {
  const path = join(folder, PROJECT_FILE);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  const grant = isThere ? await readGrant(path) : {};
  return Object.keys(grant).length === 0 ? null : pack({ component, grant, folder });
}

/** The files at a path below the folder, with `/` between names; a link could lead anywhere, and so is none. */
async function filesAt(folder: string, path: string): Promise<string[]> {
  const place = join(folder, path);
  const found = await lstat(place).catch((error: unknown) => {
    throw invalid(
      `the grant names ${JSON.stringify(path)}, and there is no file or folder ${place} that can be read`,
      error,
    );
  });
  // A folder on the way may be a link although the last name is none.
  const [top, real] = await Promise.all([realpath(folder), realpath(place)]);
  const inside = relative(top, real).split(sep).join('/');
  if (inside !== path || found.isSymbolicLink())
    throw invalid(`expected no links in a package, got one at ${JSON.stringify(path)}`);
  if (found.isFile()) return [path];
  if (!found.isDirectory()) throw invalid(`expected files and folders, got something else at ${JSON.stringify(path)}`);
  const names = (await readdir(place)).sort();
  const below = await Promise.all(names.map((name) => filesAt(folder, `${path}/${name}`)));
  return below.flat();
}

function invalid(sentence: string, cause?: unknown): CloudletError {
  return new CloudletError('project-invalid', sentence, { cause });
}
