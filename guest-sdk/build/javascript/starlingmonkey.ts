import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { componentize } from '@bytecodealliance/componentize-js';
import { CloudletError } from '../../protocol/index.ts';
import { withTemporaryFolder } from '../temporary-folder.ts';
import { assembleWit } from '../wasi-wit.ts';
import type { JavaScriptSource } from './quickjs.ts';

/** The only version of wasi:http whose handler the engine finds (componentize-js 0.23). */
const ENGINE_WASI_VERSION = '0.2.10';

/**
 * Compiles JavaScript to a component with StarlingMonkey: about 12 MB, 10 s and 750 MB of memory a build. Without a `fetch` it imports nothing that
 * asks other hosts, which the engine else does whatever its program does.
 * @throws CloudletError `build-failed` with the engine's words.
 */
export async function componentizeStarlingMonkey(
  source: JavaScriptSource & { readonly hasFetch: boolean },
): Promise<Uint8Array> {
  return withTemporaryFolder(async (folder) => {
    const wit = join(folder, 'wit');
    await assembleWit(source.wit, wit, (text) =>
      text.replaceAll(/\b(wasi:[a-z/-]+)@0\.2\.\d+(?![\d-])/g, `$1@${ENGINE_WASI_VERSION}`),
    );
    // The engine's tool takes the current folder for one above whatever begins like it (`/tmp/cl` of `/tmp/cloudlet-…`): here nothing does.
    const sourcePath = join('/proc/self/root', folder, 'function.js');
    await writeFile(sourcePath, source.code);
    try {
      const world = source.world === undefined ? {} : { worldName: source.world };
      const { component } = await componentize({
        sourcePath,
        witPath: wit,
        disableFeatures: source.hasFetch ? [] : ['http'],
        ...world,
      });
      return component;
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      throw new CloudletError('build-failed', `StarlingMonkey cannot make a component of this: ${words}`, {
        cause: error,
      });
    }
  });
}
