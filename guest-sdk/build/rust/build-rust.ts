import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CloudletError } from '../../protocol/index.ts';
import { keepGenerated } from '../bindings/keep-generated.ts';
import { EXIT_IMPORT } from '../c/exit-status.ts';
import { describeWorld } from '../describe-world.ts';
import { encodeComponent } from '../encode.ts';
import { type BuildContext, begin } from '../progress.ts';
import type { Project } from '../project.ts';
import { runCompiler } from '../tool.ts';
import { assembleWit, WASI_VERSION } from '../wasi-wit.ts';
import { addBuildWorld, BUILD_WORLD, nameWorld } from '../world.ts';
import { generateRust, type RustBindings } from './bindings.ts';
import { compileCargo } from './cargo.ts';
import { compilerFlags, EDITION, linkerFlags } from './flags.ts';
import { RUST_TARGET, standardLibrary } from './standard-library.ts';
import { findRust, INSTALL_RUST_TOOLS, RUST_TOOLS } from './toolchain.ts';

/** Folder of what is linked into Rust functions. */
const GUEST_RUST = fileURLToPath(new URL('../../guest/rust/', import.meta.url));

/** Parts of the crate of every world. */
const PARTS = ['memory.rs', 'value.rs', 'lent.rs', 'compound.rs', 'resource.rs'];

/** The crate of functions that serve HTTP. */
const HTTP_CRATE = 'cloudlet';

/** What its macro exports. */
const HTTP_EXPORT = `wasi:http/incoming-handler@${WASI_VERSION}#handle`;

/** What each kind of function imports or exports besides its own world. */
const IMPORTS = { command: [EXIT_IMPORT], typed: [], http: ['include cloudlet:function/http;'] } as const;

/** The file that names a project of cargo's. */
export const CARGO_FILE = 'Cargo.toml';

/** Builds a Rust project, of one file or of cargo's: a command, or the exports of a world. */
export async function buildRust(project: Project, context: BuildContext): Promise<Uint8Array> {
  const { signal, scratch } = context;
  const rust = await findRust();
  if (rust === null)
    throw new CloudletError('tool-missing', `A Rust function needs ${RUST_TOOLS}: run \`${INSTALL_RUST_TOOLS}\`.`);
  const program = project.kind === 'command';
  const model = program ? 'command' : 'reactor';
  const wit = join(scratch, 'wit');
  const world = project.wit === null ? null : await nameWorld(project.wit, project.world);
  await assembleWit(project.wit, wit);
  await addBuildWorld(wit, world, IMPORTS[project.kind]);
  const bindings = world === null ? null : await bind(world, wit, program, context);
  const library = project.kind === 'http' ? await httpLibrary() : bindings;

  const common = compilerFlags(await standardLibrary(rust, context), context.strip);
  begin(context, 'compile', 'compile with rustc');
  const [entry = ''] = project.entries;
  const cargo = basename(entry) === CARGO_FILE ? join(project.folder, 'build', 'rust') : null;
  const rustc = (args: readonly string[]) =>
    runCompiler(rust.rustc, [...common, `--target=${RUST_TARGET}`, '-O', `--edition=${EDITION}`, ...args], { signal });
  const flags = linkerFlags(rust, { program, world: world !== null });
  for (const each of new Set([library, bindings]))
    if (each !== null) flags.push(await compileLibrary(each, cargo ?? scratch, rustc));
  const parts = program ? ['exit_status.rs', ...(world === null ? [] : ['start.rs'])] : [];
  for (const part of parts) flags.push(`-Clink-arg=${await compilePart(part, cargo ?? scratch, rustc)}`);

  const output = join(scratch, 'core.wasm');
  const warnings =
    cargo === null
      ? await rustc([
          ...flags,
          '--crate-name=function',
          `--crate-type=${program ? 'bin' : 'cdylib'}`,
          entry,
          '-o',
          output,
        ])
      : await compileCargo({
          ...{ rust, manifest: entry, folder: cargo, library: !program, output, signal },
          flags: [...common, ...flags],
        });
  if (warnings !== '') context.onProgress({ kind: 'warning', text: warnings });

  begin(context, 'componentize', 'make it a component');
  const core = await readFile(output);
  if (library !== null) refuseWithoutExports(core, library);
  return encodeComponent(core, model, { wit, world: BUILD_WORLD });
}

async function bind(world: string, wit: string, program: boolean, context: BuildContext): Promise<RustBindings> {
  begin(context, 'bind', `write a crate from the world ${world}`);
  const bindings = generateRust({ name: world, ...(await describeWorld(wit, world)) }, { program });
  await keepGenerated(context, `${bindings.crate}.rs`, bindings.text);
  return bindings;
}

async function httpLibrary(): Promise<RustBindings> {
  return { crate: HTTP_CRATE, text: await readFile(join(GUEST_RUST, 'http.rs'), 'utf8'), exports: [HTTP_EXPORT] };
}

/** The encoder would only name the first function that it misses. */
function refuseWithoutExports(core: Uint8Array<ArrayBuffer>, { crate, exports }: RustBindings): void {
  const there = new Set(WebAssembly.Module.exports(new WebAssembly.Module(core)).map(({ name }) => name));
  if (exports.length > 0 && !exports.some((name) => there.has(name)))
    throw new CloudletError(
      'build-failed',
      `expected ${crate === HTTP_CRATE ? `${crate}::serve!(…) of a function` : `${crate}::export!(…) of a type with its traits`}, got none`,
    );
}

type Compile = (args: readonly string[]) => Promise<string>;

/**
 * Compiles the crate of a world or of HTTP, and gives the option by which code can use it.
 * Its folder is named by what is in it, because cargo compiles again when an option changes, and not when a file behind one does.
 */
async function compileLibrary({ crate, text }: RustBindings, parent: string, rustc: Compile): Promise<string> {
  const parts = await Promise.all(
    PARTS.map(async (name) => [name, await readFile(join(GUEST_RUST, name), 'utf8')] as const),
  );
  const files = [['lib.rs', text] as const, ...parts];
  const digest = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16);
  const folder = join(parent, `bindings-${digest}`);
  await mkdir(folder, { recursive: true });
  for (const [name, source] of files) await writeFile(join(folder, name), source);
  const library = join(folder, `lib${crate}.rlib`);
  await rustc([`--crate-name=${crate}`, '--crate-type=rlib', join(folder, 'lib.rs'), '-o', library]);
  return `--extern=${crate}=${library}`;
}

/** Compiles a part that is no crate of the author's, as an object to link. */
async function compilePart(file: string, parent: string, rustc: Compile): Promise<string> {
  await mkdir(parent, { recursive: true });
  const name = file.replace('.rs', '');
  const object = join(parent, `${name}.o`);
  const args = [`--crate-name=${name}`, '--crate-type=lib', '--emit=obj', '-Ccodegen-units=1'];
  await rustc([...args, join(GUEST_RUST, file), '-o', object]);
  return object;
}
