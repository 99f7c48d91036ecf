import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { refused } from '../binary/byte-reader.ts';
import { loadTool } from './tool-loader.ts';

type Adapt = (module: Uint8Array, model: 'command' | 'reactor') => Promise<Uint8Array>;

let loaded: Promise<Adapt> | undefined;

/** Loads jco and its adapters. Not done by importing this file: few components need it. */
export function loadAdapters(): Promise<Adapt> {
  loaded ??= load();
  return loaded;
}

/** The part of jco that is used here. */
interface WasmTools {
  componentNew(module: Uint8Array, adapters: readonly (readonly [string, Uint8Array])[]): Promise<Uint8Array>;
}

async function load(): Promise<Adapt> {
  // Not through jco's main door: that one also loads a bundler, which is native code that the confined child must not load.
  const jco = createRequire(import.meta.resolve('@bytecodealliance/jco'));
  const tools = await loadTool<WasmTools>(
    pathToFileURL(jco.resolve('@bytecodealliance/jco-transpile/wasm-tools')).href,
  );
  const adapter = (model: string): Promise<Uint8Array> =>
    readFile(new URL(`../lib/wasi_snapshot_preview1.${model}.wasm`, import.meta.resolve('@bytecodealliance/jco')));
  const adapters = { command: await adapter('command'), reactor: await adapter('reactor') };
  // jco reads its own program when it is first asked for something, which must happen while files can still be read.
  await tools.componentNew(new Uint8Array(), []).catch(() => {});
  return (module, model) => tools.componentNew(module, [['wasi_snapshot_preview1', adapters[model]]]);
}

/** Makes a component of a WASI 0.1 core module, with jco's adapter for commands or for libraries. Run it confined. */
export async function adaptCoreModule(module: Uint8Array, model: 'command' | 'reactor'): Promise<Uint8Array> {
  const adapt = await loadAdapters();
  try {
    return await adapt(module, model);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw refused(`the WASI 0.1 module could not be adapted: ${message.split('\n')[0]!.slice(0, 500)}`, error);
  }
}
