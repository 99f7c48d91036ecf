import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Project } from '../../project.ts';
import { FUNCTION_WIT, isAsynchronous } from '../../wasi-wit.ts';
import { GUEST_WIT } from '../javascript-world.ts';

/** Form of what is kept; another number is made anew. */
const FORMAT = 1;

/** What names the shell of a project: all that shapes it. Null where none serves: another engine, or asynchronous functions. */
export async function shellKey(project: Project, hasFetch: boolean): Promise<string | null> {
  if (project.backend !== 'quickjs' || (await isAsynchronous(project.wit))) return null;
  const { version } = createRequire(import.meta.url)('componentize-qjs/package.json') as { readonly version: string };
  const hash = createHash('sha256');
  const { kind, world = null } = project;
  hash.update(JSON.stringify([FORMAT, version, kind, world, hasFetch]));
  for (const file of [GUEST_WIT, FUNCTION_WIT, ...(project.wit === null ? [] : await filesAt(project.wit))]) {
    const bytes = await readFile(file);
    hash.update(`\n${bytes.length} `).update(bytes);
  }
  return hash.digest('hex').slice(0, 32);
}

async function filesAt(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const files = (await readdir(path, { recursive: true })).filter((file) => file.endsWith('.wit'));
  return files.sort().map((file) => join(path, file));
}
