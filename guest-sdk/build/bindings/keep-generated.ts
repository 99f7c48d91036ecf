import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildContext } from '../progress.ts';

/**
 * Leaves a copy of generated bindings beside where the component will be, for the author to read and the editor to find, also when what
 * follows does not compile. A file with the same text stays as it is.
 */
export async function keepGenerated({ output }: Pick<BuildContext, 'output'>, name: string, text: string) {
  const path = join(output, name);
  if ((await readFile(path, 'utf8').catch(() => null)) === text) return;
  await mkdir(output, { recursive: true });
  const partial = join(output, `.${name}-${process.pid}.partial`);
  await writeFile(partial, text);
  await rename(partial, path);
}
