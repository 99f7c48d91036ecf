import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keepGenerated } from '../bindings/keep-generated.ts';
import { snake } from '../bindings/word.ts';
import { describeWorld } from '../describe-world.ts';
import { encodeComponent } from '../encode.ts';
import { type BuildContext, begin } from '../progress.ts';
import type { Project } from '../project.ts';
import { assembleWit } from '../wasi-wit.ts';
import { addBuildWorld, BUILD_WORLD, nameWorld } from '../world.ts';
import { generateBindings } from './bindings.ts';
import { compileC, type ExecutionModel } from './clang.ts';
import { EXIT_IMPORT, EXIT_STATUS_FILE, EXIT_WRAP, START_FILE } from './exit-status.ts';

/** Builds a C or C++ project: a command, the exports of a world, or both in one component. */
export async function buildC(project: Project, context: BuildContext): Promise<Uint8Array> {
  const model: ExecutionModel = project.kind === 'command' ? 'command' : 'reactor';
  const wit = join(context.scratch, 'wit');
  const generated = join(context.scratch, 'generated');
  await mkdir(generated);

  const world = project.wit === null ? null : await nameWorld(project.wit, project.world);
  const files = [...project.entries];
  await assembleWit(project.wit, wit);
  await addBuildWorld(wit, world, model === 'command' ? [EXIT_IMPORT] : []);
  if (world !== null) files.push(await bind(world, wit, generated, context));

  begin(
    context,
    'compile',
    `compile ${project.entries.length === 1 ? '1 file' : `${project.entries.length} files`} with clang`,
  );
  const output = join(context.scratch, 'core.wasm');
  if (model === 'command') files.push(EXIT_STATUS_FILE);
  const wrap = model === 'command' ? [EXIT_WRAP] : [];
  const both = model === 'command' && world !== null;
  if (both) files.push(START_FILE);
  const warnings = await compileC({
    ...{ files, includes: [generated], output, signal: context.signal, wrap, strip: context.strip },
    model: both ? 'reactor' : model,
  });
  if (warnings !== '') context.onProgress({ kind: 'warning', text: warnings });

  begin(context, 'componentize', 'make it a component');
  return encodeComponent(await readFile(output), model, { wit, world: BUILD_WORLD });
}

/** Writes header and glue of a world, and gives the glue's path. */
async function bind(world: string, wit: string, folder: string, context: BuildContext): Promise<string> {
  begin(context, 'bind', `write ${snake(world)}.h from the world ${world}`);
  const { header, glue } = generateBindings({ name: world, ...(await describeWorld(wit, world)) });
  await writeFile(join(folder, header.name), header.text);
  await keepGenerated(context, header.name, header.text);
  await writeFile(join(folder, glue.name), glue.text);
  return join(folder, glue.name);
}
