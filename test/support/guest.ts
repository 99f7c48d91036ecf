/**
 * Components for tests, built from `test/support/guests/` on first use and kept between runs.
 */
import { createHash } from 'node:crypto';
import { access, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { componentNew, parse } from '@bytecodealliance/jco';
import { compileC, type ExecutionModel, findClang } from '../../guest-sdk/build/c/clang.ts';
import { EXIT_IMPORT, EXIT_STATUS_FILE, EXIT_WRAP } from '../../guest-sdk/build/c/exit-status.ts';
import { embedWorld, encodeComponent } from '../../guest-sdk/build/encode.ts';
import { build } from '../../guest-sdk/build/index.ts';
import { componentizeQuickJs } from '../../guest-sdk/build/javascript/quickjs.ts';
import { assembleWit } from '../../guest-sdk/build/wasi-wit.ts';
import { addBuildWorld, BUILD_WORLD } from '../../guest-sdk/build/world.ts';

/** How a guest comes out of its folder; `scratch` is an empty folder to work in. */
type Recipe = (source: string, scratch: string) => Promise<Uint8Array>;

const RECIPES: Readonly<Record<string, Recipe>> = {
  cat: command,
  clock: command,
  files: command,
  waits: command,
  preview1: (source, scratch) => core(join(source, 'main.c'), 'command', scratch),
  typed: (source, scratch) => reactor(source, 'typed.c', scratch),
  evil: (source, scratch) => reactor(source, 'evil.c', scratch),
  draws: (source, scratch) => reactor(source, 'draws.c', scratch),
  'http-c': (source, scratch) => reactor(source, 'http.c', scratch),
  'wasi-work': (source, scratch) => reactor(source, 'work.c', scratch),
  'wasi-out': (source, scratch) => reactor(source, 'out.c', scratch),
  'wasi-keys': (source, scratch) => reactor(source, 'keys.c', scratch),
  stores: (source, scratch) => reactor(source, 'stores.c', scratch),
  'stores-draft': (source, scratch) => reactor(source, 'stores.c', scratch, 'wit'),
  'spin-start': text,
  hoard: text,
  'hoard-table': text,
  'draws-at-start': text,
  late: text,
  notes: text,
  hostile: text,
  crowd: (source) => readFile(join(source, 'component.wat'), 'utf8').then(parse),
  'hello-http': javaScript,
  'echo-http': javaScript,
  network: javaScript,
  'http-p3': javaScript,
  'run-p3': javaScript,
  'typed-p3': javaScript,
  'http-quickjs': (_, scratch) => project('quickjs', scratch),
  'http-starlingmonkey': (_, scratch) => project('starlingmonkey', scratch),
};

/** Names that `guest` knows. */
export const GUESTS: readonly string[] = Object.keys(RECIPES);

/** Folders of guests that share one. */
const FOLDERS: Readonly<Record<string, string>> = { 'http-quickjs': 'http-js', 'http-starlingmonkey': 'http-js' };

const GUESTS_FOLDER = fileURLToPath(new URL('./guests/', import.meta.url));
const BUILD_FOLDER = fileURLToPath(new URL('../../guest-sdk/build/', import.meta.url));
const GUEST_LIBRARY_FOLDER = fileURLToPath(new URL('../../guest-sdk/guest/', import.meta.url));
const LOCK_FILE = fileURLToPath(new URL('../../package-lock.json', import.meta.url));

/**
 * Path of a test guest's `.wasm`. Built at most once for one state of its sources and of the tools; safe to call from many
 * processes at once, because the finished file appears under its name by one rename.
 */
export async function guest(name: string): Promise<string> {
  const recipe = RECIPES[name];
  if (recipe === undefined)
    throw new Error(`there is no guest ${JSON.stringify(name)}; there are ${GUESTS.join(', ')}`);
  const source = join(GUESTS_FOLDER, FOLDERS[name] ?? name);
  const cache = join(tmpdir(), `cloudlet-test-guests-${userInfo().uid}`);
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const path = join(cache, `${name}-${await digestOf(source)}.wasm`);
  if (await exists(path)) return path;

  const scratch = await mkdtemp(join(cache, 'building-'));
  try {
    await writeFile(join(scratch, 'guest.wasm'), await recipe(source, scratch));
    await rename(join(scratch, 'guest.wasm'), path);
    return path;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Digest of everything that a guest is made of and by. */
async function digestOf(source: string): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of [source, BUILD_FOLDER, GUEST_LIBRARY_FOLDER]) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const file of files.sort()) hash.update(`${file}\n`).update(await readFile(file));
  }
  hash
    .update(await readFile(LOCK_FILE))
    .update(await readFile(fileURLToPath(import.meta.url)))
    .update(String(await findClang()));
  return hash.digest('hex').slice(0, 16);
}

async function core(file: string, model: ExecutionModel, scratch: string): Promise<Uint8Array> {
  const output = join(scratch, 'core.wasm');
  await compileC({ files: [file], model, output });
  return readFile(output);
}

async function command(source: string, scratch: string): Promise<Uint8Array> {
  const output = join(scratch, 'core.wasm');
  const wit = join(scratch, 'wit');
  await assembleWit(null, wit);
  await addBuildWorld(wit, null, [EXIT_IMPORT]);
  await compileC({ files: [join(source, 'main.c'), EXIT_STATUS_FILE], model: 'command', output, wrap: [EXIT_WRAP] });
  return encodeComponent(await readFile(output), 'command', { wit, world: BUILD_WORLD });
}

async function reactor(source: string, file: string, scratch: string, world = 'world.wit'): Promise<Uint8Array> {
  const wit = join(scratch, 'wit');
  await assembleWit(join(source, world), wit);
  return encodeComponent(await core(join(source, file), 'reactor', scratch), 'reactor', { wit });
}

async function text(source: string, scratch: string): Promise<Uint8Array> {
  const wit = join(scratch, 'wit');
  await assembleWit(join(source, 'world.wit'), wit);
  const module = await parse(await readFile(join(source, 'module.wat'), 'utf8'));
  return componentNew(await embedWorld(module, { wit }), []);
}

async function javaScript(source: string): Promise<Uint8Array> {
  const code = await readFile(join(source, 'app.js'), 'utf8');
  return componentizeQuickJs({ code, wit: join(source, 'world.wit') });
}

/** `http-js` as a person would build it, guest library included. */
async function project(backend: 'quickjs' | 'starlingmonkey', scratch: string): Promise<Uint8Array> {
  const folder = join(scratch, 'project');
  await mkdir(join(scratch, 'out'));
  await cp(join(GUESTS_FOLDER, 'http-js'), folder, { recursive: true });
  await writeFile(join(folder, 'cloudlet.json'), JSON.stringify({ name: 'http-js', backend, entry: 'index.ts' }));
  const { component } = await build(folder, { output: join(scratch, 'out') });
  return readFile(component);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
