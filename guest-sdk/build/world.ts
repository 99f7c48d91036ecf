import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudletError } from '../protocol/index.ts';

/** Name of the world that a build makes of the author's by adding what the guest library imports. */
export const BUILD_WORLD = 'cloudlet-build';

/**
 * Names the world of a project: the one it asks for, or the only one of its WIT.
 * @throws CloudletError `project-invalid` when there is none, or several and none was named.
 */
export async function nameWorld(wit: string, wanted: string | undefined): Promise<string> {
  const files = (await stat(wit)).isDirectory()
    ? (await readdir(wit)).filter((file) => file.endsWith('.wit')).map((file) => join(wit, file))
    : [wit];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const worlds = texts.flatMap((text) => worldsOf(text));
  const [only] = worlds;
  if (wanted === undefined && only !== undefined && worlds.length === 1) return only;
  const list = worlds.length === 0 ? 'no world' : `the worlds ${worlds.join(', ')}`;
  if (wanted === undefined)
    throw new CloudletError('project-invalid', `${wit} has ${list}; name one by "world" in cloudlet.json`);
  if (!worlds.includes(wanted))
    throw new CloudletError('project-invalid', `cloudlet.json names the world ${wanted}, but ${wit} has ${list}`);
  return wanted;
}

/** Names of the worlds that a WIT text defines. */
export function worldsOf(text: string): string[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, ' ').replaceAll(/\/\/.*$/gm, ' ');
  return [...code.matchAll(/(?:^|[\s;{}])world\s+%?([A-Za-z][A-Za-z0-9-]*)\s*\{/g)].flatMap((match) => match[1] ?? []);
}

/** Adds the world `cloudlet-build` to a folder of WIT: the author's, when there is one, and `statements`. */
export async function addBuildWorld(wit: string, world: string | null, statements: readonly string[]): Promise<void> {
  const header = world === null ? 'package cloudlet:build;\n\n' : '';
  // A world's name may be a word of WIT.
  const body = [...(world === null ? [] : [`include %${world};`]), ...statements];
  await writeFile(join(wit, `${BUILD_WORLD}.wit`), `${header}world ${BUILD_WORLD} {\n  ${body.join('\n  ')}\n}\n`);
}
