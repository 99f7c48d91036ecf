import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CloudletError } from '../../protocol/index.ts';
import { describeWorld } from '../describe-world.ts';
import { encodeComponent } from '../encode.ts';
import { type BuildContext, begin } from '../progress.ts';
import type { Project } from '../project.ts';
import { assembleWit } from '../wasi-wit.ts';
import { addBuildWorld, BUILD_WORLD, nameWorld } from '../world.ts';
import { type AssemblyScriptBindings, AUTHOR, generateAssemblyScript } from './bindings.ts';
import { renameExports } from './export-names.ts';

const GLUE = 'cloudlet-glue';
const OUTPUT = 'function.wasm';

/** Options of the compiler: nothing is freed behind the function's back, and a failed assertion traps without asking the host. */
const OPTIONS = ['--optimizeLevel', '2', '--runtime', 'minimal', '--use', 'abort=', '--outFile', OUTPUT];

/** Builds an AssemblyScript project: the exports of a world. */
export async function buildAssemblyScript(project: Project, context: BuildContext): Promise<Uint8Array> {
  const [entry = ''] = project.entries;
  const wit = join(context.scratch, 'wit');
  await assembleWit(project.wit, wit);
  const world = await nameWorld(project.wit ?? wit, project.world);
  await addBuildWorld(wit, world, []);
  begin(context, 'bind', `write a module from the world ${world}`);
  const bindings = generateAssemblyScript({ name: world, ...(await describeWorld(wit, world)) });

  begin(context, 'compile', 'compile with AssemblyScript');
  const { module, warnings } = await compile(entry, project.folder, bindings);
  if (warnings !== '') context.onProgress({ kind: 'warning', text: warnings });
  refuseImports(module, bindings.modules);

  begin(context, 'componentize', 'make it a component');
  return encodeComponent(renameExports(module, bindings.names), 'reactor', { wit, world: BUILD_WORLD });
}

async function compile(entry: string, folder: string, { module, types, values, glue }: AssemblyScriptBindings) {
  const generated = new Map([
    [`${GLUE}.ts`, glue],
    [`node_modules/${module}/index.ts`, types],
    [`node_modules/${module}/values.ts`, values],
  ]);
  // The compiler sees one folder: that of the entry, under a name of ours, with what is generated beside it.
  const placeOf = (name: string) => {
    if (name === `${AUTHOR}.ts`) return entry;
    return name.startsWith('node_modules/') ? join(folder, name) : join(dirname(entry), name);
  };
  const written = new Map<string, Uint8Array>();
  const { default: asc } = await import('assemblyscript/asc');
  const { error, stderr } = await asc.main([`${GLUE}.ts`, ...OPTIONS], {
    readFile: async (name) => generated.get(name) ?? (await readFile(placeOf(name), 'utf8').catch(() => null)),
    writeFile: (name, content) => {
      if (typeof content !== 'string') written.set(name, content);
    },
    listFiles: () => [],
  });
  const words = stderr.toString().replaceAll(`${AUTHOR}.ts`, basename(entry)).trim();
  const module_ = written.get(OUTPUT);
  if (error !== null || module_ === undefined) {
    const detail = words === '' ? (error?.message ?? 'it printed nothing') : words;
    throw new CloudletError('build-failed', `AssemblyScript cannot compile this:\n${detail}`, { cause: error });
  }
  return { module: module_, warnings: words };
}

/** What the language's library asks of a browser, no world has. */
function refuseImports(module: Uint8Array, world: ReadonlySet<string>): void {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(new Uint8Array(module)));
  const first = imports.find((each) => !world.has(each.module));
  if (first === undefined) return;
  throw new CloudletError(
    'build-failed',
    `functions in AssemblyScript import nothing but what their world names, and this one needs ${first.module}.${first.name}; leave out Math.random, Date.now, console and process`,
  );
}
