import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CloudletError } from '../../protocol/index.ts';
import { describeWorld } from '../describe-world.ts';
import { type BuildContext, begin } from '../progress.ts';
import type { Project } from '../project.ts';
import { addPackage, assembleWit } from '../wasi-wit.ts';
import { addBuildWorld, BUILD_WORLD, nameWorld } from '../world.ts';
import { bundle } from './bundle.ts';
import { httpEntry, refuse64Bit, typedEntry } from './entry.ts';
import { componentizeQuickJs } from './quickjs.ts';
import { refuseBareS64 } from './signed.ts';
import { componentizeStarlingMonkey } from './starlingmonkey.ts';

/** WIT of the guest library and of the http world. */
const GUEST_WIT = fileURLToPath(new URL('../../wit/guest.wit', import.meta.url));

/** Builds a TypeScript or JavaScript project with its engine. */
export async function buildJavaScript(project: Project, context: BuildContext): Promise<Uint8Array> {
  const [source = ''] = project.entries;
  const wit = join(context.scratch, 'wit');
  await assembleWit(project.wit, wit);
  await addPackage(wit, 'cloudlet-guest', GUEST_WIT);
  const library = project.backend === 'quickjs' ? ['include cloudlet:guest/library;'] : [];
  if (library.length > 0 && fetches(project)) library.push('include cloudlet:guest/fetch;');
  const entry = project.kind === 'http' ? await http() : await typed();

  begin(context, 'bundle', 'bundle the sources');
  const { code, warnings } = await bundle(project, entry);
  for (const text of warnings) context.onProgress({ kind: 'warning', text });

  const quick = project.backend === 'quickjs';
  begin(context, 'componentize', `compile with ${quick ? 'QuickJS' : 'StarlingMonkey, which takes a while'}`);
  const compile = quick ? componentizeQuickJs : componentizeStarlingMonkey;
  return compile({ code, wit, world: BUILD_WORLD });

  async function http(): Promise<string> {
    const world = project.wit === null ? null : await nameWorld(project.wit, project.world);
    if (world !== null) await refuseExports(world);
    await addBuildWorld(wit, world, [...library, 'include cloudlet:guest/http;']);
    return httpEntry(source, project.backend, fetches(project));
  }

  async function typed(): Promise<string> {
    const world = await nameWorld(project.wit ?? wit, project.world);
    await addBuildWorld(wit, world, library);
    const { functions } = await describeWorld(wit, world);
    if (functions.length === 0)
      throw invalid(
        `the world ${world} exports no function; an http function with imports has "kind": "http" in cloudlet.json`,
      );
    if (project.backend === 'quickjs') refuse64Bit(functions);
    else refuseBareS64(functions);
    return typedEntry(source, project.backend, functions, fetches(project));
  }

  /** What an http function exports is settled: its world only says what it imports. */
  async function refuseExports(world: string): Promise<void> {
    const { functions } = await describeWorld(wit, world);
    const [other] = functions.filter((fn) => fn.interface?.startsWith('wasi:http/incoming-handler@') !== true);
    if (other === undefined) return;
    throw invalid(
      `the world ${world} of an http function may only import, and exports ${other.name}; a typed function may`,
    );
  }
}

/** Whether it may ask other hosts, so that it has a `fetch`. */
function fetches({ grant }: Project): boolean {
  return (grant.http ?? []).length > 0;
}

function invalid(sentence: string): CloudletError {
  return new CloudletError('project-invalid', sentence);
}
