import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Kind } from '../language.ts';
import { WASI_VERSION } from '../wasi-wit.ts';

/** What a kind of function has beside its world. */
interface Door {
  /** The module `cloudlet` that its author imports. */
  readonly module: string;
  /** Its core export. */
  readonly core: string;
  /** The function of the glue that is that export. */
  readonly glue: string;
  /** What the build adds to its world. */
  readonly statement: string;
}

const DOORS: Readonly<Record<Kind, Door | null>> = {
  typed: null,
  http: {
    module: "export * from './http';\n",
    core: `wasi:http/incoming-handler@${WASI_VERSION}#handle`,
    glue: `import { receive, send } from "cloudlet/http";
export function call_door(request: u32, out: u32): void {
  send(author.handle(receive(request)), out);
  memory_.release();
}
`,
    statement: 'include cloudlet:function/http;',
  },
  command: {
    module: "export * from './command';\n",
    core: `wasi:cli/run@${WASI_VERSION}#run`,
    glue: `import { end, words } from "cloudlet/command";
export function call_door(): i32 {
  const failed = end(author.main(words()));
  memory_.release();
  return failed;
}
`,
    statement: `export wasi:cli/run@${WASI_VERSION};`,
  },
};

/** The module of the library. */
export const LIBRARY_MODULE = 'cloudlet';

/** Folder of the library's sources. */
const FOLDER = fileURLToPath(new URL('../../guest/assemblyscript/', import.meta.url));

/** The library's sources. */
const PARTS = ['command', 'files', 'host', 'http', 'memory', 'streams'];

/** What takes the place of the language's own, which asks a browser, by the names in `host.ts`. */
export const REPLACED: readonly string[] = ['abort=cloudlet_abort', 'console=cloudlet_console', 'seed=cloudlet_seed'];

/** The library that is compiled with a function, and the door that it opens for it. */
export interface Library {
  /** Texts by the names by which the compiler asks for them. */
  readonly files: ReadonlyMap<string, string>;
  /** The entry: the world's glue, and the door's. */
  readonly glue: string;
  /** Core exports of the door, by their names in the glue. */
  readonly names: ReadonlyMap<string, string>;
  /** Statements for the world that is built. */
  readonly statements: readonly string[];
  /** Modules of core imports. */
  readonly modules: ReadonlySet<string>;
}

/** Reads the library for a kind of function, whose author's module is `author` and whose world's glue is `glue`, empty when it has none. */
export async function readLibrary(kind: Kind, author: string, glue: string): Promise<Library> {
  const door = DOORS[kind];
  const texts = await Promise.all(
    PARTS.map(async (name) => [name, await readFile(`${FOLDER}${name}.ts`, 'utf8')] as const),
  );
  const files = new Map(texts.map(([name, text]) => [`node_modules/cloudlet/${name}.ts`, text]));
  files.set('node_modules/cloudlet/index.ts', door?.module ?? "export { log, now } from './host';\n");
  const imported = texts.flatMap(([, text]) => [...text.matchAll(/@external\("([^"]+)"/g)]);
  return {
    files,
    // The parts that take the place of the language's own are there only if something imports them.
    glue: `import "cloudlet/host";
import * as memory_ from "cloudlet/memory";
import * as author from ${JSON.stringify(`./${author}`)};
export function reallocate(old: usize, oldSize: usize, align: usize, size: usize): usize { return memory_.reallocate(old, oldSize, align, size); }
${door?.glue ?? ''}${glue}`,
    names: new Map([['reallocate', 'cabi_realloc'], ...(door === null ? [] : [['call_door', door.core] as const])]),
    statements: ['include cloudlet:guest/assemblyscript;', ...(door === null ? [] : [door.statement])],
    modules: new Set(imported.map((match) => match[1] ?? '')),
  };
}
