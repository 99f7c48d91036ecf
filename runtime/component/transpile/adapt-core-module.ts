import { readFile } from 'node:fs/promises';
import { componentNew, preview1AdapterCommandPath, preview1AdapterReactorPath } from '@bytecodealliance/jco';
import { refused } from '../binary/byte-reader.ts';

/** Name and version of what adapts, for the key of the cache. */
export const ADAPTER = 'jco 1.35.0';

/** Makes a component of a WASI 0.1 core module, with jco's adapter for commands or for libraries. Run it confined. */
export async function adaptCoreModule(module: Uint8Array, model: 'command' | 'reactor'): Promise<Uint8Array> {
  const adapter = model === 'command' ? preview1AdapterCommandPath() : preview1AdapterReactorPath();
  try {
    return await componentNew(module, [['wasi_snapshot_preview1', await readFile(adapter)]]);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw refused(`the WASI 0.1 module could not be adapted: ${message.split('\n')[0]!.slice(0, 500)}`, error);
  }
}
