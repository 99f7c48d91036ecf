import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { withoutCustomSection } from '../../../runtime/index.ts';
import { CloudletError } from '../../protocol/index.ts';
import { EXIT_IMPORT } from '../c/exit-status.ts';
import { encodeComponent } from '../encode.ts';
import { type BuildContext, begin } from '../progress.ts';
import { runCompiler } from '../tool.ts';
import { assembleWit } from '../wasi-wit.ts';
import { addBuildWorld, BUILD_WORLD } from '../world.ts';
import { explainFailure } from './explain-failure.ts';
import { findProgram, isProgram } from './find-program.ts';
import { pointerCasts } from './pointer-casts.ts';
import { ABSENT_GROUPS, absentSource, absentSymbols } from './refused-symbol.ts';
import { type CommandEnd, runCommand } from './run-command.ts';
import { programToolchain, type Toolchain } from './toolchain.ts';
import { allowUnlikeCalls, mismatchedFunctions } from './unlike-call.ts';
import { compileFlags } from './wrapper.ts';

/** How an existing program is built by its own means. */
export interface ProgramBuild {
  /** A shell's command line, run in the project's folder: `./configure && make`. */
  readonly command: string;
  /** The program that it leaves, below the folder; by default the only one that is found. */
  readonly output?: string | undefined;
  /** Functions that are refused, or kinds of them (`network`), whose calls may fail instead: the program is known to do without. */
  readonly absent?: readonly string[] | undefined;
}

/** Section of a module with the names of its functions. */
const NAMES = 'name';

/** The component of an existing program. */
export interface BuiltProgram {
  readonly bytes: Uint8Array;
  /** File name of the program, without an extension. */
  readonly program: string;
}

/**
 * Runs a program's own build with tools for WebAssembly, and makes a component of the program that it leaves.
 * @throws CloudletError `tool-missing`, or `build-failed` with the end of what the build said and, by symbol, what cannot be had.
 */
export async function buildProgram(folder: string, wanted: ProgramBuild, context: BuildContext): Promise<BuiltProgram> {
  const { symbols: absent, unknown } = absentSymbols(wanted.absent ?? []);
  if (unknown !== null) {
    const known = `${ABSENT_GROUPS.join(', ')}, or a function of these`;
    throw new CloudletError('project-invalid', `expected ${known} to be absent, got ${JSON.stringify(unknown)}`);
  }
  const toolchain = await programToolchain(context);
  const log = await diagnosticsOf(folder, context);
  const environment = {
    ...toolchain.environment,
    CC_LOG_DIAGNOSTICS: '1',
    CC_LOG_DIAGNOSTICS_FILE: log,
    CLOUDLET_ABSENT: absent.length === 0 ? '' : await absentObject(absent, toolchain, context),
  };

  begin(context, 'compile', `run ${wanted.command}`);
  const began = Date.now();
  const end = await runCommand(wanted.command, {
    ...{ cwd: folder, bin: join(toolchain.folder, 'bin'), environment, signal: context.signal },
    onLine: (text) => context.onProgress({ kind: 'output', text }),
  });
  if (end.status !== 0) throw new CloudletError('build-failed', failure(wanted.command, end));
  const path = await programOf(folder, wanted, began);
  let core: Uint8Array = await readFile(path);
  const [cast] = await pointerCasts(log);
  const [mismatch] = mismatchedFunctions(core);
  if (cast !== undefined || mismatch !== undefined) {
    const example = cast === undefined ? `${mismatch} is` : `${cast.place} has it`;
    begin(context, 'componentize', `let functions be called by other types than their own, as ${example}`);
    core = await allowUnlikeCalls(core, { pointers: cast !== undefined });
  }
  // After all that reads it; the program that the build left stays as it is, and is not linked anew.
  if (context.strip) core = withoutCustomSection(core, NAMES);
  begin(context, 'componentize', 'make it a component');
  const wit = join(context.scratch, 'wit');
  await assembleWit(null, wit);
  await addBuildWorld(wit, null, [EXIT_IMPORT]);
  const bytes = await encodeComponent(core, 'command', { wit, world: BUILD_WORLD });
  return { bytes, program: basename(path).replace(/\.(wasm|exe|out)$/, '') };
}

/**
 * Where clang logs what it says of a folder's sources. Kept from build to build, since the next one compiles only what changed; a cast that is
 * gone by then is allowed for nothing, and does no harm.
 */
async function diagnosticsOf(folder: string, { cache }: BuildContext): Promise<string> {
  const logs = join(cache, 'programs', 'diagnostics');
  await mkdir(logs, { recursive: true });
  const path = join(logs, createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 16));
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size > MAX_LOG_BYTES) await rm(path);
  return path;
}

/** Longest log that is kept for the next build. */
const MAX_LOG_BYTES = 16 * 1024 * 1024;

/** The file that the build left. */
async function programOf(folder: string, { output, command }: ProgramBuild, began: number): Promise<string> {
  if (output === undefined) return findProgram(folder, began);
  const path = isAbsolute(output) ? output : join(folder, output);
  if (await isProgram(path)) return path;
  throw new CloudletError(
    'build-failed',
    `expected ${JSON.stringify(command)} to leave a WebAssembly program at ${path}, got none there; did it use the compiler of this computer in place of $CC?`,
  );
}

async function absentObject(names: readonly string[], toolchain: Toolchain, context: BuildContext): Promise<string> {
  const source = join(context.scratch, 'absent.c');
  const object = join(context.scratch, 'absent.o');
  await writeFile(source, absentSource(names));
  const flags = compileFlags(toolchain.tools);
  // Prototypes of builtins differ from those that only say how many values there are.
  await runCompiler(toolchain.tools.clang, [...flags, '-O2', '-w', '-fno-builtin', '-c', source, '-o', object], {
    signal: context.signal,
  });
  return object;
}

function failure(command: string, { status, tail, complaints }: CommandEnd): string {
  const reasons = explainFailure(complaints);
  const said = `${JSON.stringify(command)} ended with status ${status}`;
  if (reasons.length === 0) return `${said}:\n${tail.join('\n')}`;
  return `${said}.\n${reasons.map((reason) => `- ${reason}`).join('\n')}\nIts last words:\n${tail.slice(-8).join('\n')}`;
}
