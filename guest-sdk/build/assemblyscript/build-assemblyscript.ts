import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CloudletError } from '../../protocol/index.ts';
import { keepGenerated } from '../bindings/keep-generated.ts';
import { describeWorld } from '../describe-world.ts';
import { encodeComponent } from '../encode.ts';
import { type BuildContext, begin } from '../progress.ts';
import type { Project } from '../project.ts';
import { addPackage, assembleWit } from '../wasi-wit.ts';
import { addBuildWorld, BUILD_WORLD, nameWorld } from '../world.ts';
import { type AssemblyScriptBindings, generateAssemblyScript } from './bindings.ts';
import { renameExports } from './export-names.ts';
import { LIBRARY_MODULE, type Library, REPLACED, readLibrary } from './library.ts';

const GLUE = 'cloudlet-glue';

/** WIT of what the library imports. */
const GUEST_WIT = fileURLToPath(new URL('../../wit/guest.wit', import.meta.url));

/** Options of the compiler: nothing is freed behind the function's back. */
const OPTIONS = ['--optimizeLevel', '2', '--runtime', 'minimal'];

/** Builds an AssemblyScript project: a function that serves HTTP, a command, or the exports of a world. */
export async function buildAssemblyScript(project: Project, context: BuildContext): Promise<Uint8Array> {
  const [entry = ''] = project.entries;
  const wit = join(context.scratch, 'wit');
  await assembleWit(project.wit, wit);
  await addPackage(wit, 'cloudlet-guest', GUEST_WIT);
  const world = project.wit === null ? null : await nameWorld(project.wit, project.world);
  const bindings = world === null ? null : await bind(world, wit, context);
  const library = await readLibrary(project.kind, moduleOf(entry), bindings?.glue ?? '');
  await addBuildWorld(wit, world, library.statements);

  begin(context, 'compile', 'compile with AssemblyScript');
  const module = await compile(project, context, library, bindings);
  refuseImports(module, new Set([...library.modules, ...(bindings?.modules ?? [])]));

  begin(context, 'componentize', 'make it a component');
  const names = new Map([...library.names, ...(bindings?.names ?? [])]);
  return encodeComponent(renameExports(module, names), 'reactor', { wit, world: BUILD_WORLD });
}

async function bind(world: string, wit: string, context: BuildContext): Promise<AssemblyScriptBindings> {
  if (world === LIBRARY_MODULE)
    throw new CloudletError('build-failed', `the world ${world} would hide the module of that name; rename it`);
  begin(context, 'bind', `write a module from the world ${world}`);
  await addBuildWorld(wit, world, []);
  const bindings = generateAssemblyScript({ name: world, ...(await describeWorld(wit, world)) });
  await keepGenerated(context, `${bindings.module}.ts`, bindings.types);
  return bindings;
}

/** The entry's name, by which traps and failed assertions call it, if that can be the name of a module beside the glue. */
function moduleOf(entry: string): string {
  const name = basename(entry, '.ts');
  return entry.endsWith('.ts') && name !== GLUE ? name : 'cloudlet-author';
}

async function compile(
  project: Project,
  context: BuildContext,
  library: Library,
  bindings: AssemblyScriptBindings | null,
): Promise<Uint8Array> {
  const [entry = ''] = project.entries;
  const files = [[`${GLUE}.ts`, library.glue] as const, ...library.files];
  if (bindings !== null) {
    files.push([`node_modules/${bindings.module}/index.ts`, bindings.types]);
    files.push([`node_modules/${bindings.module}/values.ts`, bindings.values]);
  }
  const replaced = REPLACED.flatMap((each) => ['--use', each]);
  const options = [...OPTIONS, ...(context.strip ? [] : ['--debug']), ...replaced];
  const { module, words } = await context.assemblyscript.compile(
    { entry, author: moduleOf(entry), folder: project.folder, files, options },
    context.signal,
  );
  if (module === null) throw new CloudletError('build-failed', `AssemblyScript cannot compile this:\n${words}`);
  if (words !== '') context.onProgress({ kind: 'warning', text: words });
  return module;
}

/** What the language's library asks of a browser, no world has. */
function refuseImports(module: Uint8Array, known: ReadonlySet<string>): void {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(new Uint8Array(module)));
  const first = imports.find((each) => !known.has(each.module));
  if (first === undefined) return;
  throw new CloudletError(
    'build-failed',
    `functions in AssemblyScript import nothing but what their world names, and this one needs ${first.module}.${first.name}; leave out Date.now and process: \`now\` of the module cloudlet gives the time`,
  );
}
