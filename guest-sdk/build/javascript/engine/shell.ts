import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateGlue, rewriteModule } from '../../../../runtime/index.ts';
import type { WitFunction } from '../../../protocol/index.ts';

/** Export of the module that holds the memory of all others; componentize-qjs 0.4.5 links them so. */
const MEMORY_MODULE_EXPORT = 'componentize_qjs_runtime.wasm:memory_base';

/** What is known of a shell besides its files. */
export interface ShellFacts {
  /** Functions that its world exports. */
  readonly functions: readonly WitFunction[];
  /** Address of the byte that says whether the engine has evaluated a program; null when it was not found. */
  readonly evaluated: number | null;
}

/**
 * A QuickJS component of a world that has evaluated an empty program: what all functions of the world have in common. Its folder has
 * `component.wasm`, `glue.mjs`, `facts.json` and the core modules with their state exported.
 */
export interface Shell extends ShellFacts {
  readonly folder: string;
  readonly component: Uint8Array;
}

/** The shell of a key, when it was made before. */
export async function keptShell(cache: string, key: string): Promise<Shell | null> {
  const folder = join(cache, 'quickjs', key);
  try {
    const facts = JSON.parse(await readFile(join(folder, 'facts.json'), 'utf8')) as ShellFacts;
    return { ...facts, folder, component: await readFile(join(folder, 'component.wasm')) };
  } catch {
    // Missing or torn: it is made again.
    return null;
  }
}

/** Takes a component apart and keeps it as the shell of a key; `find` tells the address of the flag, given the folder. */
export async function keepShell(
  cache: string,
  key: string,
  component: Uint8Array,
  functions: readonly WitFunction[],
  find: (folder: string) => Promise<number | null>,
): Promise<Shell> {
  const folder = join(cache, 'quickjs', key);
  const partial = `${folder}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await mkdir(partial, { recursive: true });
    const { glue, modules } = await generateGlue(component, 'plain', { imports: [], exports: [] });
    for (const { name, bytes } of modules)
      await writeFile(join(partial, name), rewriteModule(name, bytes, undefined, { meter: false }).bytes);
    await writeFile(join(partial, 'glue.mjs'), glue);
    await writeFile(join(partial, 'component.wasm'), component);
    const facts: ShellFacts = { functions, evaluated: await find(partial) };
    await writeFile(join(partial, 'facts.json'), JSON.stringify(facts));
    await rename(partial, folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      // Another build has just kept the same; what is torn makes room.
      if ((await keptShell(cache, key)) !== null) return;
      await rm(folder, { recursive: true, force: true });
      await rename(partial, folder);
    });
    return { ...facts, folder, component };
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Whether a core module of a shell is the one that holds the memory. */
export function holdsMemory(module: Uint8Array): boolean {
  const name = new TextEncoder().encode(MEMORY_MODULE_EXPORT);
  const at = Buffer.from(module.buffer, module.byteOffset, module.length).indexOf(name);
  if (at < 0) return false;
  const compiled = new WebAssembly.Module(module as Uint8Array<ArrayBuffer>);
  return WebAssembly.Module.exports(compiled).some((each) => each.name === MEMORY_MODULE_EXPORT);
}
