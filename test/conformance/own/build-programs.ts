import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { compileC } from '../../../guest-sdk/build/c/clang.ts';
import { componentizeQuickJs } from '../../../guest-sdk/build/javascript/quickjs.ts';
import { wat } from '../../support/wat.ts';

const PROGRAMS = fileURLToPath(new URL('./programs/', import.meta.url));

/** What the programs share, and is none. */
const LIBRARY = 'check.js';

/** How a source becomes a program; by its extension. */
const RECIPES: Readonly<Record<string, (source: string, scratch: string) => Promise<Uint8Array>>> = {
  '.js': javaScript,
  '.c': cCommand,
  '.wat': async (source) => wat(await readFile(source, 'utf8')),
};

/** Builds the programs of our own into a folder, in the layout of a suite: each with its JSON, and the folders that these name. */
export async function buildPrograms(into: string): Promise<void> {
  await mkdir(into, { recursive: true });
  await writeFile(join(into, 'manifest.json'), JSON.stringify({ name: 'own' }));
  for (const entry of await readdir(PROGRAMS, { withFileTypes: true })) {
    const source = join(PROGRAMS, entry.name);
    const extension = extname(entry.name);
    if (entry.isDirectory() || extension === '.json') await cp(source, join(into, entry.name), { recursive: true });
    const recipe = entry.name === LIBRARY ? undefined : RECIPES[extension];
    if (recipe !== undefined)
      await writeFile(join(into, `${basename(entry.name, extension)}.wasm`), await recipe(source, into));
  }
}

async function javaScript(source: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    ...{ entryPoints: [source], bundle: true, format: 'esm', write: false, external: ['wasi:*'] },
  });
  return componentizeQuickJs({ code: outputFiles[0]!.text, wit: source.replace(/\.js$/, '.wit') });
}

/** A core module of WASI 0.1, as a compiler leaves it. */
async function cCommand(source: string, scratch: string): Promise<Uint8Array> {
  const output = join(scratch, `${basename(source)}.core`);
  await compileC({ files: [source], model: 'command', output });
  return readFile(output);
}
