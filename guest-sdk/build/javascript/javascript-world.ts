import { fileURLToPath } from 'node:url';
import { CloudletError, type WitFunction } from '../../protocol/index.ts';
import { describeWorld } from '../describe-world.ts';
import type { BuildContext } from '../progress.ts';
import type { Project } from '../project.ts';
import { addPackage, assembleWit } from '../wasi-wit.ts';
import { addBuildWorld, nameWorld } from '../world.ts';
import { modulesThatFetch } from './bundle.ts';

/** WIT of what the guest library imports. */
export const GUEST_WIT = fileURLToPath(new URL('../../wit/guest.wit', import.meta.url));

/**
 * Whether a function has a `fetch`, and so imports what asks other hosts: when it asks for hosts, or when it says nothing of them and its code fetches. That it
 * imports more than it asks for is then said here, and refused where it is published.
 */
export async function fetches(project: Project, { onProgress }: Pick<BuildContext, 'onProgress'>): Promise<boolean> {
  const { http } = project.grant;
  if (http !== undefined) return http.length > 0;
  const modules = (await modulesThatFetch(project)) ?? [];
  const [module] = modules;
  if (module === undefined) return false;
  const others = modules.length === 1 ? '' : ` (and ${modules.length - 1} more)`;
  onProgress({
    kind: 'warning',
    text: `${module}${others} calls fetch, and cloudlet.json names no hosts; until it has them, as "http": ["api.example.org"], or "http": [] where none is to be asked, no cloudlet takes it`,
  });
  return true;
}

/**
 * Writes the WIT of the world `cloudlet-build` of a project, its own with what the guest library imports, to the folder `wit`, and gives
 * the functions that its own exports; none for an http function. `project-invalid` for a world that does not fit.
 */
export async function assembleWorld(project: Project, wit: string, hasFetch: boolean): Promise<readonly WitFunction[]> {
  await assembleWit(project.wit, wit);
  await addPackage(wit, 'cloudlet-guest', GUEST_WIT);
  const library = project.backend === 'quickjs' ? ['include cloudlet:guest/library;'] : [];
  if (library.length > 0 && hasFetch) library.push('include cloudlet:guest/fetch;');
  if (project.kind === 'http') {
    const world = project.wit === null ? null : await nameWorld(project.wit, project.world);
    if (world !== null) await refuseExports(wit, world);
    await addBuildWorld(wit, world, [...library, 'include cloudlet:function/http;']);
    return [];
  }
  const world = await nameWorld(project.wit ?? wit, project.world);
  await addBuildWorld(wit, world, library);
  const { functions } = await describeWorld(wit, world);
  if (functions.length === 0)
    throw invalid(
      `the world ${world} exports no function; an http function with imports has "kind": "http" in cloudlet.json`,
    );
  return functions;
}

/** What an http function exports is settled: its world only says what it imports. */
async function refuseExports(wit: string, world: string): Promise<void> {
  const { functions } = await describeWorld(wit, world);
  const [other] = functions.filter((fn) => fn.interface?.startsWith('wasi:http/incoming-handler@') !== true);
  if (other === undefined) return;
  throw invalid(
    `the world ${world} of an http function may only import, and exports ${other.name}; a typed function may`,
  );
}

function invalid(sentence: string): CloudletError {
  return new CloudletError('project-invalid', sentence);
}
