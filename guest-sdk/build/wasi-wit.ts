import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Version of the WASI 0.2 packages that jco ships and that worlds name (`wasi:http/types@0.2.12`). */
export const WASI_VERSION = '0.2.12';

/** Version of the WASI 0.3 packages that jco ships. */
const ASYNC_WASI_VERSION = '0.3.0';

const PACKAGES = ['wasi-cli', 'wasi-clocks', 'wasi-filesystem', 'wasi-http', 'wasi-io', 'wasi-random', 'wasi-sockets'];
/** In WASI 0.3 streams are types of their own. */
const ASYNC_PACKAGES = PACKAGES.filter((name) => name !== 'wasi-io');

/** Packages that jco does not ship, from `guest-sdk/wit/deps`: one folder each. */
const OWN_PACKAGES = fileURLToPath(new URL('../wit/deps/', import.meta.url));

/** Worlds of what functions may use, `cloudlet:function`, which a function's own world may include. */
export const FUNCTION_WIT = fileURLToPath(new URL('../wit/function.wit', import.meta.url));

/** Folder of jco's bundled WIT: `lib/wit/builtin/<version>/<package>/package.wit`. */
function bundled(version: string): string {
  const entry = fileURLToPath(import.meta.resolve('@bytecodealliance/jco'));
  return join(dirname(entry), '..', 'lib', 'wit', 'builtin', version);
}

/**
 * Copies a function's WIT (a file, a folder, or none) to `into` and completes its `deps` with the WASI packages it does not bring itself,
 * and, unless it brings one of those, with `cloudlet:function`, so that a world may name any interface of WASI 0.2 or 0.3 without vendoring it. `rewrite` is applied to every text.
 */
export async function assembleWit(
  wit: string | null,
  into: string,
  rewrite: (text: string) => string = (text) => text,
): Promise<void> {
  await mkdir(into, { recursive: true });
  if (wit !== null && (await stat(wit)).isDirectory()) await cp(wit, into, { recursive: true });
  else if (wit !== null) await cp(wit, join(into, basename(wit)));
  const deps = join(into, 'deps');
  await mkdir(deps, { recursive: true });
  const own = new Set(await readdir(deps));
  const declared = await packagesOf(into);
  for (const name of PACKAGES) {
    if (own.has(name)) continue;
    await cp(join(bundled(WASI_VERSION), name), join(deps, name), { recursive: true });
  }
  for (const name of ASYNC_PACKAGES) {
    if (declared.has(`${name.replace('-', ':')}@${ASYNC_WASI_VERSION}`)) continue;
    const folder = join(deps, `${name}-${ASYNC_WASI_VERSION}`);
    await cp(join(bundled(ASYNC_WASI_VERSION), name), folder, { recursive: true });
  }
  const provided = await readdir(OWN_PACKAGES);
  for (const name of provided) {
    if (!own.has(name)) await cp(join(OWN_PACKAGES, name), join(deps, name), { recursive: true });
  }
  // Its worlds name versions of those packages: beside another version that the function brings, it would not be whole.
  const isReplaced = [...PACKAGES, ...provided].some((name) => own.has(name));
  if (!own.has('cloudlet-function') && !isReplaced) await addPackage(into, 'cloudlet-function', FUNCTION_WIT);
  for (const path of await readdir(into, { recursive: true })) {
    if (!path.endsWith('.wit')) continue;
    const file = join(into, path);
    await writeFile(file, rewrite(await readFile(file, 'utf8')));
  }
}

/** Packages that the WIT of a folder declares, with versions. */
async function packagesOf(folder: string): Promise<Set<string>> {
  const packages = new Set<string>();
  for (const path of await readdir(folder, { recursive: true })) {
    if (!path.endsWith('.wit')) continue;
    const text = await readFile(join(folder, path), 'utf8');
    for (const [, name] of text.matchAll(/^\s*package\s+([\w:-]+@[\w.-]+)/gm)) packages.add(name!);
  }
  return packages;
}

/** Whether a function's own WIT (a file, a folder, or none) has anything asynchronous: its functions, or WASI 0.3. */
export async function isAsynchronous(wit: string | null): Promise<boolean> {
  if (wit === null) return false;
  const files = (await stat(wit)).isDirectory()
    ? (await readdir(wit, { recursive: true }))
        .filter((path) => !path.startsWith('deps'))
        .map((path) => join(wit, path))
    : [wit];
  for (const file of files) {
    if (file.endsWith('.wit') && /\basync\s+func\b|@0\.3\.\d/.test(await readFile(file, 'utf8'))) return true;
  }
  return false;
}

/** Adds a package of one WIT file to the `deps` of an assembled folder. */
export async function addPackage(wit: string, name: string, file: string): Promise<void> {
  await mkdir(join(wit, 'deps', name), { recursive: true });
  await cp(file, join(wit, 'deps', name, basename(file)));
}
