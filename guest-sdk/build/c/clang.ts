import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
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

/** What a function in C++ needs besides. */
export const INSTALL_CXX_TOOLS = `${INSTALL_C_TOOLS} libc++-19-dev-wasm32 libc++abi-19-dev-wasm32`;

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
  /** Leaves the names of functions out. */
  readonly strip?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What a source is compiled as. */
export type CLanguage = 'c' | 'c++';

/** Options by language. Debian's libc++ for WASI has no exceptions: with them on, what is thrown would only fail to link. */
const STANDARD: Readonly<Record<CLanguage, readonly string[]>> = {
  c: ['-std=gnu11'],
  'c++': ['-std=gnu++23', '-fno-exceptions'],
};

/** A program of each language that needs its library. */
const PROBES: Readonly<Record<CLanguage, string>> = {
  c: '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n',
  'c++': '#include <string>\nint main(int count, char **words) { return std::string(words[count - 1]).empty(); }\n',
};

const found = new Map<CLanguage, Promise<string | null>>();

/** Name of a clang that can compile and link a program for WASI here, or null. Looked for once a process and language. */
export function findClang(language: CLanguage = 'c'): Promise<string | null> {
  const clang = found.get(language) ?? probe(language);
  found.set(language, clang);
  return clang;
}

/** Linking a real program is the only test that sees a missing linker, runtime library or libc alike. */
async function probe(language: CLanguage): Promise<string | null> {
  const args = [TARGET, ...STANDARD[language], '-x', language, '-', '-o', '/dev/null'];
  for (const name of CLANGS) {
    const driver = language === 'c' ? name : name.replace('clang', 'clang++');
    const { status } = await runTool(driver, args, { input: PROBES[language] });
    if (status === 0) return driver;
  }
  return null;
}

/** What a file is compiled as, by its extension. */
export function languageOfFile(file: string): CLanguage {
  return file.endsWith('.c') ? 'c' : 'c++';
}

/** Headers that come before Debian's libc++ for WebAssembly and give what its library leaves out: the streams of files. */
export const CXX_HEADERS = fileURLToPath(new URL('../../guest/c/posix/include/c++', import.meta.url));

/** Where Debian's libstb-dev puts its headers; nothing else lies there, so the host's own headers stay out of sight. */
export const STB_FOLDER = '/usr/include/stb';

/**
 * Compiles and links C and C++ sources to a WASI 0.1 core module, and gives clang's warnings.
 * @throws CloudletError `tool-missing` with the packages to install, or `build-failed` with clang's words.
 */
export async function compileC(source: CSource): Promise<string> {
  // The driver of C++ compiles C too, when told that it is, and links the library of C++.
  const language = source.files.every((file) => languageOfFile(file) === 'c') ? 'c' : 'c++';
  const clang = await findClang(language);
  if (clang === null) throw new CloudletError('tool-missing', missingClang(language));
  const { signal } = source;
  // In quotes they come first, else after the libc's own: a world may be called as one of its headers is.
  const includes = (source.includes ?? []).flatMap((folder) => ['-iquote', folder, '-idirafter', folder]);
  const common = [TARGET, '-O2', '-Wall', '-Wextra', ...includes, '-isystem', STB_FOLDER, '-c'];
  const objects = source.files.map((_, at) => `${source.output}.${at}.o`);
  try {
    // All of them have ended before the folder that they write to goes, also when one fails.
    const compiled = await Promise.allSettled(
      source.files.map((file, at) => {
        const args = [
          ...common,
          ...STANDARD[languageOfFile(file)],
          ...(languageOfFile(file) === 'c++' ? ['-isystem', CXX_HEADERS] : []),
          '-x',
          languageOfFile(file),
          file,
          '-o',
          objects[at]!,
        ];
        return runCompiler(clang, args, { signal, hint: withoutExceptions });
      }),
    );
    const warnings = compiled.map((each) => {
      if (each.status === 'rejected') throw each.reason;
      return each.value;
    });
    // Linking is a step of its own, without -O: clang would otherwise run any wasm-opt on the path, and the same sources would
    // give another component on another machine.
    const model = source.model === 'reactor' ? ['-mexec-model=reactor'] : [];
    const wrap = (source.wrap ?? []).map((name) => `-Wl,--wrap=${name}`);
    const link = [
      TARGET,
      ...model,
      ...objects,
      '-lm',
      source.strip === true ? '-Wl,--strip-all' : '-Wl,--strip-debug',
      ...wrap,
      '-o',
      source.output,
    ];
    warnings.push(await runCompiler(clang, link, { signal }));
    return warnings.filter((text) => text !== '').join('\n');
  } finally {
    await Promise.all(objects.map((object) => rm(object, { force: true })));
  }
}

/** The sentence for a machine on which a language cannot be compiled. */
export function missingClang(language: CLanguage): string {
  return language === 'c'
    ? `A C function needs clang, lld and wasi-libc: run \`${INSTALL_C_TOOLS}\`.`
    : `A C++ function needs clang, lld, wasi-libc and libc++ for WebAssembly: run \`${INSTALL_CXX_TOOLS}\`.`;
}

/** What to do about exceptions, which clang only calls disabled. */
function withoutExceptions(words: string): string | null {
  if (!/cannot use '(throw|try)' with exceptions disabled/.test(words)) return null;
  return 'C++ functions have no exceptions: give errors back, by std::expected or std::optional for instance.';
}
