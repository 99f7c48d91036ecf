import { rm } from 'node:fs/promises';
import { CloudletError } from '../../protocol/index.ts';
import { runCompiler, runTool } from '../tool.ts';

/** The tried one first, then what else may be there; Debian installs clang under its version only. */
const CLANGS = [
  'clang-19',
  'clang',
  'clang-22',
  'clang-21',
  'clang-20',
  'clang-18',
  'clang-17',
  'clang-16',
  'clang-15',
  'clang-14',
];

/** The one command that installs everything a C function needs on Debian and Ubuntu. */
export const INSTALL_C_TOOLS = 'apt-get install clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc libstb-dev';

/** The only triple that Debian's wasi-libc is built for; `wasm32-wasip1` finds no sysroot. */
const TARGET = '--target=wasm32-wasi';

/** How a program is entered: a `command` by `main`, a `reactor` by its exports. */
export type ExecutionModel = 'command' | 'reactor';

/** What to compile. Paths are absolute. */
export interface CSource {
  readonly files: readonly string[];
  /** Folders to search for headers. */
  readonly includes?: readonly string[];
  /** Functions of the libc whose calls go to `__wrap_<name>` instead. */
  readonly wrap?: readonly string[];
  readonly model: ExecutionModel;
  /** The core module to write. */
  readonly output: string;
  readonly signal?: AbortSignal | undefined;
}

let found: Promise<string | null> | undefined;

/** Name of a clang that can compile and link a program for WASI here, or null. Looked for once a process. */
export function findClang(): Promise<string | null> {
  found ??= probe();
  return found;
}

/** Linking a real program is the only test that sees a missing linker, runtime library or libc alike. */
async function probe(): Promise<string | null> {
  const args = [TARGET, '-x', 'c', '-', '-o', '/dev/null'];
  for (const name of CLANGS) {
    const { status } = await runTool(name, args, {
      input: '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n',
    });
    if (status === 0) return name;
  }
  return null;
}

/** Where Debian's libstb-dev puts its headers; nothing else lies there, so the host's own headers stay out of sight. */
export const STB_FOLDER = '/usr/include/stb';

/**
 * Compiles and links C sources to a WASI 0.1 core module, and gives clang's warnings.
 * @throws CloudletError `tool-missing` with the packages to install, or `build-failed` with clang's words.
 */
export async function compileC(source: CSource): Promise<string> {
  const clang = await findClang();
  if (clang === null)
    throw new CloudletError('tool-missing', `A C function needs clang, lld and wasi-libc: run \`${INSTALL_C_TOOLS}\`.`);
  const { signal } = source;
  const includes = (source.includes ?? []).flatMap((folder) => ['-I', folder]);
  const compile = [TARGET, '-O2', '-std=gnu11', '-Wall', '-Wextra', ...includes, '-isystem', STB_FOLDER, '-c'];
  const objects = source.files.map((_, at) => `${source.output}.${at}.o`);
  try {
    // All of them have ended before the folder that they write to goes, also when one fails.
    const compiled = await Promise.allSettled(
      source.files.map((file, at) => runCompiler(clang, [...compile, file, '-o', objects[at]!], { signal })),
    );
    const warnings = compiled.map((each) => {
      if (each.status === 'rejected') throw each.reason;
      return each.value;
    });
    // Linking is a step of its own, without -O: clang would otherwise run any wasm-opt on the path, and the same sources would
    // give another component on another machine.
    const model = source.model === 'reactor' ? ['-mexec-model=reactor'] : [];
    const wrap = (source.wrap ?? []).map((name) => `-Wl,--wrap=${name}`);
    const link = [TARGET, ...model, ...objects, '-lm', '-Wl,--strip-debug', ...wrap, '-o', source.output];
    warnings.push(await runCompiler(clang, link, { signal }));
    return warnings.filter((text) => text !== '').join('\n');
  } finally {
    await Promise.all(objects.map((object) => rm(object, { force: true })));
  }
}
