import { createHash } from 'node:crypto';
import { access, constants, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { CloudletError, type Digest, digestOfHex } from '../protocol/index.ts';
import { buildAssemblyScript } from './assemblyscript/build-assemblyscript.ts';
import { AssemblyScriptCompiler } from './assemblyscript/compiler.ts';
import { buildC } from './c/build-c.ts';
import { buildProgram, type ProgramBuild } from './foreign/build-program.ts';
import { nearestName, readProgramProject } from './foreign/program-project.ts';
import { buildJavaScript } from './javascript/build-javascript.ts';
import { QuickJsEngine } from './javascript/engine/engine.ts';
import { missingFor } from './missing-tools.ts';
import { type BuildContext, type BuildProgress, begin } from './progress.ts';
import { type Project, readProject } from './project.ts';
import { buildRust } from './rust/build-rust.ts';
import { withTemporaryFolder } from './temporary-folder.ts';

/** How a build is watched and stopped, and where it writes. */
export interface BuildOptions {
  readonly onProgress?: (progress: BuildProgress) => void;
  readonly signal?: AbortSignal;
  /** Told the absolute path of each file outside of the folder that is read, of TypeScript and JavaScript; packages and the guest library are not told. */
  readonly onSource?: (path: string) => void;
  /** Folder for what can be made again, such as a compiled standard library; `~/.cache/cloudlet` by default. */
  readonly cache?: string;
  /** Hosts that it may ask beside those of its project file: without any, what asks for them is not built in. */
  readonly http?: readonly string[];
  /** Folder of the finished component, and of a copy of the bindings that were written for it; `<project>/build` by default. */
  readonly output?: string;
  /** Leaves out what only helps to read a stack, names of functions and source maps: a smaller component that does the same. */
  readonly strip?: boolean;
  /**
   * Builds an existing program by its own means, in place of what the project file says is built; there need be no project file then, and the
   * name is the program's.
   */
  readonly program?: ProgramBuild | undefined;
}

/** A finished build. */
export interface Build {
  /** Path of the component. */
  readonly component: string;
  readonly sizeBytes: number;
  readonly digest: Digest;
  readonly project: Project;
}

/**
 * Builds the project in `folder` to `build/<name>.wasm`, which appears whole or not at all.
 * @throws CloudletError `project-invalid` for the project file or the WIT, `tool-missing` with the packages to install,
 * `build-failed` with the compiler's own words; the signal's reason when it aborts.
 */
export async function build(folder: string, options: BuildOptions = {}): Promise<Build> {
  const builder = openBuilder();
  try {
    return await builder.build(folder, options);
  } finally {
    await builder.close();
  }
}

/** Builds again and again: what a build loads stays loaded for the next. */
export interface Builder {
  /** As `build` does. */
  readonly build: (folder: string, options?: BuildOptions) => Promise<Build>;
  /** Ends what was kept. Idempotent. */
  readonly close: () => Promise<void>;
}

/** Opens a builder; who opens it closes it. */
export function openBuilder(): Builder {
  const tools: Tools = { engine: new QuickJsEngine(), assemblyscript: new AssemblyScriptCompiler() };
  return {
    build: (folder, options = {}) => buildWith(tools, folder, options),
    close: async () => {
      await tools.engine.close();
      await tools.assemblyscript.close();
    },
  };
}

/** What stays loaded from one build to the next. */
type Tools = Pick<BuildContext, 'engine' | 'assemblyscript'>;

function buildWith(tools: Tools, folder: string, options: BuildOptions): Promise<Build> {
  return withTemporaryFolder(async (scratch) => {
    const { onProgress = () => {}, signal, cache = join(homedir(), '.cache', 'cloudlet') } = options;
    const { onSource = () => {}, strip = false, output = join(resolve(folder), 'build') } = options;
    const context: BuildContext = { onProgress, onSource, signal, scratch, cache, strip, output, ...tools };
    begin(context, 'check', 'read cloudlet.json');
    const read = options.program === undefined ? null : await readProgramProject(folder, options.program);
    const asked = read?.project ?? (await readProject(folder));
    if (asked.component !== null && context.strip)
      onProgress({
        kind: 'warning',
        text: `${asked.component} is built already, and stays as it is: nothing is left out`,
      });
    if (asked.component !== null) return described(asked.component, asked, await readFile(asked.component));
    const missing = await missingFor(asked);
    if (missing !== null) throw new CloudletError('tool-missing', missing);
    const { http = [] } = options;
    const grant = http.length === 0 ? asked.grant : { ...asked.grant, http: [...(asked.grant.http ?? []), ...http] };
    const { bytes, program } = await compile({ ...asked, grant }, context);

    // Without a project file the program's own name is all that there is.
    const project = read?.isNamed === false ? { ...asked, name: nearestName(program ?? asked.name) } : asked;
    const component = join(output, `${project.name}.wasm`);
    begin(context, 'write', `write ${component}`);
    await writeWhole(component, bytes);
    return described(component, project, bytes);
  });
}

/** Writes a file that appears whole or not at all. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  // Beside its place, because a rename does not cross file systems; the name is this process's own.
  const partial = join(folder, `.${basename(path, '.wasm')}-${process.pid}-${Date.now()}.partial`);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(partial, bytes);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    const why = await whyNotWritten(folder, error as NodeJS.ErrnoException);
    throw new CloudletError('build-failed', `expected to write ${path}, which cannot be written (${why})`, {
      cause: error,
    });
  }
}

/** Node says that a folder does not exist which it may not make. */
async function whyNotWritten(folder: string, { code, message }: NodeJS.ErrnoException): Promise<string> {
  if (code !== 'ENOENT') return code ?? message;
  return await access(dirname(folder), constants.W_OK).then(
    () => code,
    (error: NodeJS.ErrnoException) => error.code ?? code,
  );
}

function described(component: string, project: Project, bytes: Uint8Array): Build {
  const digest = digestOfHex(createHash('sha256').update(bytes).digest('hex'));
  return { component, sizeBytes: bytes.length, digest, project };
}

/** The component, and of an existing program its own name. */
async function compile(
  project: Project,
  context: BuildContext,
): Promise<{ readonly bytes: Uint8Array; readonly program: string | null }> {
  if (project.program !== null) return buildProgram(project.folder, project.program, context);
  return { bytes: await compileSources(project, context), program: null };
}

async function compileSources(project: Project, context: BuildContext): Promise<Uint8Array> {
  switch (project.language) {
    case 'typescript':
      return buildJavaScript(project, context);
    case 'c':
    case 'c++':
      return buildC(project, context);
    case 'assemblyscript':
      return buildAssemblyScript(project, context);
    case 'rust':
      return buildRust(project, context);
    default:
      throw new TypeError(`unreachable: ${project.language satisfies never}`);
  }
}
