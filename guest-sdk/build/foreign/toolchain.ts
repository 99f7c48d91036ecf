import { createHash } from 'node:crypto';
import { access, chmod, cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CloudletError } from '../../protocol/index.ts';
import { findClang, INSTALL_CXX_TOOLS, missingClang } from '../c/clang.ts';
import { EXIT_STATUS_FILE, START_FILE } from '../c/exit-status.ts';
import { type BuildContext, begin } from '../progress.ts';
import { runCompiler, runTool } from '../tool.ts';
import {
  CMAKE_PLATFORM,
  CONFIG_SITE,
  callScript,
  cmakeToolchain,
  compileFlags,
  driverScript,
  missingScript,
  NOTHING_SCRIPT,
  POSIX_SOURCE,
  type ToolPaths,
} from './wrapper.ts';

/** The one command that installs what an existing program's own build needs besides what it names itself. */
export const INSTALL_PROGRAM_TOOLS = 'apt-get install clang-19 lld-19 llvm-19 libclang-rt-19-dev-wasm32 wasi-libc make';

/** A folder with the tools that a program's own build finds by their usual names. */
export interface Toolchain {
  readonly folder: string;
  /** What this build itself compiles with. */
  readonly tools: ToolPaths;
  /** Variables that a build is run with, besides `bin` before all else on its path. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What the machine has, asked of clang: its archiver has to be of its own version, since it reads the objects. */
interface Found {
  readonly clang: string;
  readonly clangxx: string | null;
  readonly version: string;
  readonly wasmLd: string;
  readonly resources: string;
  readonly llvm: string;
}

/** What this machine lacks for building existing programs, in words; null when it lacks nothing. */
export async function missingProgramTools(): Promise<string | null> {
  const clang = await findClang('c');
  if (clang === null) return 'clang, lld and wasi-libc';
  return (await llvmFolder(clang)) === null ? "llvm-ar of clang's own version" : null;
}

/**
 * The toolchain of this machine, made in the cache when it is not there yet.
 * @throws CloudletError `tool-missing` with the packages to install.
 */
export async function programToolchain(
  context: Pick<BuildContext, 'cache' | 'signal' | 'onProgress'>,
): Promise<Toolchain> {
  const found = await find();
  const parts = await readParts();
  const key = createHash('sha256')
    .update(
      JSON.stringify([
        found,
        [...parts],
        [found.clang, found.clangxx ?? found.clang].map((driver) => driverScript(paths(found, ''), driver)),
        START_FILE,
        CONFIG_SITE,
        CMAKE_PLATFORM,
      ]),
    )
    .digest('hex')
    .slice(0, 16);
  const folder = join(context.cache, 'programs', key);
  const there = await access(folder).then(
    () => true,
    () => false,
  );
  if (!there) {
    begin(context, 'bind', 'set up the toolchain for existing programs, once for this machine');
    const partial = `${folder}.${process.pid}-${Date.now()}.partial`;
    try {
      await make(found, partial, folder, context.signal);
      await rename(partial, folder).catch((error: NodeJS.ErrnoException) => {
        // Another build was faster, with the same result.
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      });
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  }
  return { folder, tools: paths(found, folder), environment: environmentOf(folder) };
}

async function find(): Promise<Found> {
  const clang = await findClang('c');
  if (clang === null) throw new CloudletError('tool-missing', missingClang('c'));
  const llvm = await llvmFolder(clang);
  if (llvm === null) {
    const sentence = `An existing program needs llvm-ar of the version of ${clang}: run \`${INSTALL_PROGRAM_TOOLS}\`.`;
    throw new CloudletError('tool-missing', sentence);
  }
  const cxx = await findClang('c++');
  const asked = await Promise.all(
    [
      [clang, '--version'],
      [clang, '-print-prog-name=clang'],
      [clang, '-print-prog-name=clang++'],
      [clang, '-print-prog-name=wasm-ld'],
      [clang, '-print-resource-dir'],
    ].map(async ([file, word]) => (await runTool(file!, [word!])).stdout.split('\n')[0]!.trim()),
  );
  const [version, driver, cxxDriver, wasmLd, resources] = asked as [string, string, string, string, string];
  return { clang: driver, clangxx: cxx === null ? null : cxxDriver, version, wasmLd, resources, llvm };
}

/** The folder of LLVM's programs beside clang's own, or null when they are not installed. */
async function llvmFolder(clang: string): Promise<string | null> {
  const { stdout } = await runTool(clang, ['-print-prog-name=llvm-ar']);
  const path = stdout.trim();
  // Where there is none, clang gives the name back.
  return path.startsWith('/') ? dirname(path) : null;
}

/** Sources and headers that are lowered, by path: they decide what a toolchain is. */
async function readParts(): Promise<Map<string, string>> {
  const parts = new Map<string, string>();
  for (const entry of await readdir(POSIX_SOURCE, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    parts.set(path.slice(POSIX_SOURCE.length + 1), await readFile(path, 'utf8'));
  }
  return new Map([...parts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function paths(found: Found, folder: string): ToolPaths {
  return {
    clang: found.clang,
    clangxx: found.clangxx,
    wasmLd: found.wasmLd,
    resources: found.resources,
    posix: join(folder, 'posix'),
    linker: join(folder, 'linker'),
  };
}

/** Objects that are linked by name; all others are in the library. */
const STANDING = new Map([
  ['threads.c', 'threads.o'],
  ['realloc.c', 'realloc.o'],
]);

async function make(found: Found, into: string, folder: string, signal: AbortSignal | undefined): Promise<void> {
  const posix = join(into, 'posix');
  for (const part of ['bin', 'posix', 'linker', 'cmake/Platform', 'root', 'pkg-config']) {
    await mkdir(join(into, part), { recursive: true });
  }
  await cp(join(POSIX_SOURCE, 'include'), join(posix, 'include'), { recursive: true });
  const flags = [
    ...compileFlags({ posix, resources: found.resources }),
    '-O2',
    '-std=gnu11',
    '-D_GNU_SOURCE',
    '-mexception-handling',
    '-c',
  ];
  const members: string[] = [];
  const compile = (source: string, object: string) =>
    runCompiler(found.clang, [...flags, source, '-o', join(posix, object)], { signal });
  for (const name of (await readdir(POSIX_SOURCE)).filter((each) => each.endsWith('.c')).sort()) {
    const object = STANDING.get(name) ?? name.replace(/c$/, 'o');
    await compile(join(POSIX_SOURCE, name), object);
    if (!STANDING.has(name)) members.push(join(posix, object));
  }
  await compile(EXIT_STATUS_FILE, 'exit-status.o');
  await compile(START_FILE, 'start.o');
  await runCompiler(join(found.llvm, 'llvm-ar'), ['rcsD', join(posix, 'libcloudlet-posix.a'), ...members], { signal });
  for (const member of members) await rm(member);

  // Debian's clang asks for its own version, others do not.
  const major = /version (\d+)/.exec(found.version)?.[1] ?? '';
  for (const name of ['wasm-ld', `wasm-ld-${major}`]) await symlink(found.wasmLd, join(into, 'linker', name));

  const scripts = scriptsOf(found, folder);
  for (const [name, text] of scripts) {
    await writeFile(join(into, 'bin', name), text);
    await chmod(join(into, 'bin', name), 0o755);
  }
  await writeFile(join(into, 'config.site'), CONFIG_SITE);
  await writeFile(join(into, 'toolchain.cmake'), cmakeToolchain(folder));
  await writeFile(join(into, 'cmake/Platform/WASI.cmake'), CMAKE_PLATFORM);
}

const MISSING_CXX = `c++: C++ needs libc++ for WebAssembly: run \`${INSTALL_CXX_TOOLS}\``;

/** Every tool under the names by which builds look for it. */
function scriptsOf(found: Found, folder: string): Map<string, string> {
  const tools = paths(found, folder);
  const named = (names: readonly string[], text: string) =>
    names.flatMap((name) => [[name, text] as const, [`wasm32-wasi-${name}`, text] as const]);
  return new Map([
    ...named(['cc', 'gcc', 'clang', 'c99'], driverScript(tools, found.clang)),
    ...named(
      ['c++', 'g++', 'clang++'],
      found.clangxx === null ? missingScript(MISSING_CXX) : driverScript(tools, found.clangxx),
    ),
    ...['ar', 'ranlib', 'nm'].flatMap((name) => named([name], callScript(join(found.llvm, `llvm-${name}`)))),
    ...named(['ld'], callScript(found.wasmLd)),
    // What would be stripped is not there; names of functions stay, for the stack of a trap.
    ...named(['strip'], NOTHING_SCRIPT),
  ]);
}

function environmentOf(folder: string): Record<string, string> {
  const tools = { CC: 'cc', CXX: 'c++', AR: 'ar', RANLIB: 'ranlib', NM: 'nm', LD: 'ld', STRIP: 'strip' };
  return {
    // By names alone: what configure writes down stays right when the toolchain is made anew, and fails without it.
    ...Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, `wasm32-wasi-${tool}`])),
    CONFIG_SITE: join(folder, 'config.site'),
    CMAKE_TOOLCHAIN_FILE: join(folder, 'toolchain.cmake'),
    // Libraries of this computer are for its own processor.
    PKG_CONFIG_LIBDIR: join(folder, 'pkg-config'),
    PKG_CONFIG_PATH: '',
  };
}
