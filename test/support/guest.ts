/**
 * Components for tests, built from `test/support/guests/` on first use and kept between runs.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findClang } from '../../guest-sdk/build/c/clang.ts';

/** What a guest is made of, and so what makes it. */
export type GuestRecipe =
  | { readonly kind: 'command' | 'text' | 'component-text' | 'javascript' }
  | { readonly kind: 'core'; readonly folder?: string }
  | { readonly kind: 'reactor'; readonly file: string; readonly world?: string }
  | { readonly kind: 'project'; readonly backend: 'quickjs' | 'starlingmonkey'; readonly folder: string };

const command = { kind: 'command' } as const;
const text = { kind: 'text' } as const;
const javaScript = { kind: 'javascript' } as const;
const reactor = (file: string, world?: string): GuestRecipe => ({
  ...{ kind: 'reactor', file },
  ...(world === undefined ? {} : { world }),
});

const RECIPES: Readonly<Record<string, GuestRecipe>> = {
  cat: command,
  /** The same, without an adapter: a command of WASI 0.1. */
  'cat-core': { kind: 'core', folder: 'cat' },
  clock: command,
  files: command,
  reader: command,
  waits: command,
  preview1: { kind: 'core' },
  typed: reactor('typed.c'),
  evil: reactor('evil.c'),
  draws: reactor('draws.c'),
  'http-c': reactor('http.c'),
  'http-p3-c': reactor('service.c'),
  'wasi-work': reactor('work.c'),
  'wasi-out': reactor('out.c'),
  'wasi-keys': reactor('keys.c'),
  stores: reactor('stores.c'),
  'stores-draft': reactor('stores.c', 'wit'),
  'spin-start': text,
  hoard: text,
  'hoard-table': text,
  'draws-at-start': text,
  late: text,
  notes: text,
  hostile: text,
  crowd: { kind: 'component-text' },
  'hello-http': javaScript,
  'echo-http': javaScript,
  network: javaScript,
  'http-p3': javaScript,
  'run-p3': javaScript,
  'typed-p3': javaScript,
  'http-quickjs': { kind: 'project', backend: 'quickjs', folder: 'http-js' },
  'http-starlingmonkey': { kind: 'project', backend: 'starlingmonkey', folder: 'http-js' },
};

/** Names that `guest` knows. */
export const GUESTS: readonly string[] = Object.keys(RECIPES);

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const GUESTS_FOLDER = join(ROOT, 'test/support/guests');
const BUILD_FOLDER = join(ROOT, 'guest-sdk/build');

/** Folders of tools that make a guest of each kind, below `guest-sdk`; beside them every guest has what all languages share. */
const TOOLS: Readonly<Record<GuestRecipe['kind'], readonly string[]>> = {
  command: ['build/c'],
  core: ['build/c'],
  reactor: ['build/c'],
  text: [],
  'component-text': [],
  javascript: ['build/javascript'],
  project: ['build/javascript', 'guest'],
};

/** A guest, or the folder of a build that was killed, that nobody has used for this long is removed, milliseconds. */
const UNUSED_MS = 14 * 24 * 3600 * 1000;

/**
 * Path of a test guest's `.wasm`. Built at most once for one state of its sources and of the tools; safe to call from many
 * processes at once, because the finished file appears under its name by one rename.
 */
export async function guest(name: string): Promise<string> {
  const recipe = RECIPES[name];
  if (recipe === undefined)
    throw new Error(`there is no guest ${JSON.stringify(name)}; there are ${GUESTS.join(', ')}`);
  const source = join(GUESTS_FOLDER, 'folder' in recipe ? recipe.folder : name);
  const cache = join(tmpdir(), `cloudlet-test-guests-${userInfo().uid}`);
  const path = join(cache, `${name}-${await digestOf(source, recipe)}.wasm`);
  if (await touched(path)) return path;

  await mkdir(cache, { recursive: true, mode: 0o700 });
  await removeUnused(cache);
  const scratch = await mkdtemp(join(cache, 'building-'));
  try {
    const { buildGuest } = await import('./guest-recipe.ts');
    await writeFile(join(scratch, 'guest.wasm'), await buildGuest(recipe, source, scratch));
    await rename(join(scratch, 'guest.wasm'), path);
    return path;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Digest of everything that a guest is made of and by, the same in every checkout. */
async function digestOf(source: string, { kind }: GuestRecipe): Promise<string> {
  const here = fileURLToPath(import.meta.url);
  const [files, shared] = await Promise.all([
    Promise.all([source, ...[...TOOLS[kind], 'wit'].map((folder) => join(ROOT, 'guest-sdk', folder))].map(filesBelow)),
    readdir(BUILD_FOLDER, { withFileTypes: true }),
  ]);
  const paths = [
    ...files.flat(),
    ...shared.filter((entry) => entry.isFile()).map((entry) => join(BUILD_FOLDER, entry.name)),
    ...[here, join(dirname(here), 'guest-recipe.ts'), join(ROOT, 'package-lock.json')],
  ].sort();
  const contents = await Promise.all(paths.map((path) => readFile(path)));
  const hash = createHash('sha256');
  for (const [index, path] of paths.entries()) hash.update(`${relative(ROOT, path)}\n`).update(contents[index]!);
  if (TOOLS[kind].includes('build/c')) hash.update(String(await findClang()));
  return hash.digest('hex').slice(0, 16);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Notes that a file is used; whether it is there. */
async function touched(path: string): Promise<boolean> {
  const now = new Date();
  return utimes(path, now, now).then(
    () => true,
    () => false,
  );
}

async function removeUnused(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    // Another process may remove it first.
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > UNUSED_MS) await rm(path, { recursive: true, force: true });
  }
}
