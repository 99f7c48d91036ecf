/** The thread in which AssemblyScript is compiled: its compiler adds a hundred globals, and computes for a second without a pause. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import asc from 'assemblyscript/asc';

/** What is compiled. */
export interface Compilation {
  /** Path of the author's entry, and the name of its module beside the others. */
  readonly entry: string;
  readonly author: string;
  /** The project's folder, where packages are. */
  readonly folder: string;
  /** Texts that are generated, by the names by which the compiler asks for them; the first is where it begins. */
  readonly files: readonly (readonly [name: string, text: string])[];
  readonly options: readonly string[];
}

/** What came of it: no module when it failed. */
export interface Compiled {
  readonly module: Uint8Array | null;
  /** The compiler's own words, of warnings too. */
  readonly words: string;
}

const OUTPUT = 'function.wasm';

parentPort?.on('message', async (ask: Compilation) => parentPort?.postMessage(await compile(ask)));

async function compile({ entry, author, folder, files, options }: Compilation): Promise<Compiled> {
  const generated = new Map(files);
  // The compiler sees one folder: that of the entry, with what is generated beside it.
  const placeOf = (name: string) => {
    if (name === `${author}.ts`) return entry;
    return name.startsWith('node_modules/') ? join(folder, name) : join(dirname(entry), name);
  };
  let module: Uint8Array | null = null;
  const { error, stderr } = await asc.main([files[0]?.[0] ?? '', ...options, '--outFile', OUTPUT], {
    readFile: async (name) => generated.get(name) ?? (await readFile(placeOf(name), 'utf8').catch(() => null)),
    writeFile: (name, content) => {
      if (name === OUTPUT && typeof content !== 'string') module = content;
    },
    listFiles: () => [],
  });
  const words = stderr.toString().trim();
  return error === null ? { module, words } : { module: null, words: words === '' ? error.message : words };
}
