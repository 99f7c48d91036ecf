import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeComponent } from '../encode.ts';
import { type BuildContext, begin } from '../progress.ts';
import type { Project } from '../project.ts';
import { assembleWit, WASI_VERSION } from '../wasi-wit.ts';
import { addBuildWorld, BUILD_WORLD, describeWorld, nameWorld } from '../world.ts';
import { generateBindings } from './bindings.ts';
import { compileC, type ExecutionModel } from './clang.ts';

const EXIT_STATUS = fileURLToPath(new URL('../../guest/c/exit-status.c', import.meta.url));

/** What a command imports beyond the adapter's own: its exact exit status. */
const COMMAND_IMPORTS = [`import wasi:cli/exit@${WASI_VERSION};`];

/** Builds a C project: a command, the exports of a world, or both in one component. */
export async function buildC(project: Project, context: BuildContext): Promise<Uint8Array> {
  const model: ExecutionModel = project.kind === 'command' ? 'command' : 'reactor';
  const wit = join(context.scratch, 'wit');
  const generated = join(context.scratch, 'generated');
  await mkdir(generated);

  const world = project.wit === null ? null : await nameWorld(project.wit, project.world);
  const files = [...project.entries];
  await assembleWit(project.wit, wit);
  await addBuildWorld(wit, world, model === 'command' ? COMMAND_IMPORTS : []);
  if (world !== null) files.push(await bind(world, wit, generated, context));

  begin(
    context,
    'compile',
    `compile ${project.entries.length === 1 ? '1 file' : `${project.entries.length} files`} with clang`,
  );
  const output = join(context.scratch, 'core.wasm');
  const command = model === 'command' ? { wrap: ['__wasi_proc_exit'] } : {};
  if (model === 'command') files.push(EXIT_STATUS);
  const warnings = await compileC({ files, includes: [generated], model, output, signal: context.signal, ...command });
  if (warnings !== '') context.onProgress({ kind: 'warning', text: warnings });

  begin(context, 'componentize', 'make it a component');
  return encodeComponent(await readFile(output), model, { wit, world: BUILD_WORLD });
}

/** Writes header and glue of a world, and gives the glue's path. */
async function bind(world: string, wit: string, folder: string, context: BuildContext): Promise<string> {
  begin(context, 'bind', `write ${world}.h from the world ${world}`);
  const { functions, names } = await describeWorld(wit, BUILD_WORLD);
  const { header, glue } = generateBindings({ name: world, functions, names });
  await writeFile(join(folder, header.name), header.text);
  await writeFile(join(folder, glue.name), glue.text);
  return join(folder, glue.name);
}
