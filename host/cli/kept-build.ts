import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Digest, digestOfHex } from '../../guest-sdk/protocol/index.ts';

/** A component that an earlier build left. */
export interface KeptBuild {
  readonly component: string;
  readonly sizeBytes: number;
  readonly digest: Digest;
}

/** What a component is made by, besides its project: a newer one makes another component. */
const MAKERS = ['guest-sdk/build', 'guest-sdk/guest', 'guest-sdk/wit', 'package-lock.json'].map((path) =>
  fileURLToPath(new URL(`../../${path}`, import.meta.url)),
);

/** The component of an earlier build, when neither the project nor what it is built by changed since; else null. */
export async function keptBuild(folder: string, makers: readonly string[] = MAKERS): Promise<KeptBuild | null> {
  const output = join(folder, 'build');
  const finished = (await readdir(output).catch(() => [])).filter((file) => /^[^.].*\.wasm$/.test(file));
  const [name, ...others] = finished;
  // After a project changed its name there are two, and no telling which is meant.
  if (name === undefined || others.length > 0) return null;
  const component = join(output, name);
  const builtAt = (await stat(component)).mtimeMs;
  for (const place of [folder, ...makers]) if ((await newestChange(place, output)) > builtAt) return null;
  return described(component);
}

/**
 * The component of a project that says by which command it is built: what an earlier build left, however old, or `absent`; null for every other project.
 * Such builds take minutes, other tools and the network: they are begun by people, not by a host that starts.
 */
export async function programBuild(folder: string): Promise<KeptBuild | 'absent' | null> {
  const name = await readFile(join(folder, 'cloudlet.json'), 'utf8').then(nameOfProgram, () => null);
  return name === null ? null : described(join(folder, 'build', `${name}.wasm`)).catch(() => 'absent' as const);
}

/** The name in a project file that has a command in it; else null. */
function nameOfProgram(text: string): string | null {
  try {
    const { name, build } = JSON.parse(text) as { readonly name?: unknown; readonly build?: unknown };
    return build !== undefined && typeof name === 'string' && /^[a-z0-9-]+$/.test(name) ? name : null;
  } catch {
    return null; // Whoever builds the project says what is wrong with it.
  }
}

async function described(component: string): Promise<KeptBuild> {
  const bytes = await readFile(component);
  return {
    component,
    sizeBytes: bytes.length,
    digest: digestOfHex(createHash('sha256').update(bytes).digest('hex')),
  };
}

/** When a file, or anything in a folder, was last changed, in milliseconds; `except` is left out. Removed files show in their folder. */
async function newestChange(path: string, except: string): Promise<number> {
  if (path === except) return 0;
  const { mtimeMs } = await stat(path);
  const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOTDIR') return [];
    throw error;
  });
  let newest = mtimeMs;
  for (const entry of entries) {
    const inner = join(path, entry.name);
    const changed = entry.isDirectory() ? await newestChange(inner, except) : (await stat(inner)).mtimeMs;
    newest = Math.max(newest, changed);
  }
  return newest;
}
