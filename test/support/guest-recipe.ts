/**
 * How the test guests are built. Loads the compilers: who finds a guest in the cache does not need this file.
 */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { componentNew, parse } from '@bytecodealliance/jco';
import { compileC, type ExecutionModel } from '../../guest-sdk/build/c/clang.ts';
import { EXIT_IMPORT, EXIT_STATUS_FILE, EXIT_WRAP } from '../../guest-sdk/build/c/exit-status.ts';
import { embedWorld, encodeComponent } from '../../guest-sdk/build/encode.ts';
import { build } from '../../guest-sdk/build/index.ts';
import { componentizeQuickJs } from '../../guest-sdk/build/javascript/quickjs.ts';
import { assembleWit } from '../../guest-sdk/build/wasi-wit.ts';
import { addBuildWorld, BUILD_WORLD } from '../../guest-sdk/build/world.ts';
import type { GuestRecipe } from './guest.ts';

/** Builds a guest from the folder of its source; `scratch` is an empty folder to work in. */
export function buildGuest(recipe: GuestRecipe, source: string, scratch: string): Promise<Uint8Array> {
  switch (recipe.kind) {
    case 'command':
      return command(source, scratch);
    case 'core':
      return core(join(source, 'main.c'), 'command', scratch);
    case 'reactor':
      return reactor(source, recipe.file, scratch, recipe.world);
    case 'text':
      return text(source, scratch);
    case 'component-text':
      return readFile(join(source, 'component.wat'), 'utf8').then(parse);
    case 'javascript':
      return javaScript(source);
    case 'project':
      return project(source, recipe.backend, scratch);
    default:
      throw recipe satisfies never;
  }
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
async function project(source: string, backend: 'quickjs' | 'starlingmonkey', scratch: string): Promise<Uint8Array> {
  const folder = join(scratch, 'project');
  await mkdir(join(scratch, 'out'));
  await cp(source, folder, { recursive: true });
  await writeFile(join(folder, 'cloudlet.json'), JSON.stringify({ name: 'http-js', backend, entry: 'index.ts' }));
  const { component } = await build(folder, { output: join(scratch, 'out') });
  return readFile(component);
}
