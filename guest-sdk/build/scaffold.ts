import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CloudletError, parseName } from '../protocol/index.ts';
import { GUEST_FOLDER, PACKAGE_FOLDER } from './javascript/bundle.ts';
import { PROJECT_FILE } from './project.ts';
import { TEMPLATES, templateNamed } from './template.ts';

const TEMPLATES_FOLDER = fileURLToPath(new URL('../templates/', import.meta.url));

/**
 * Starts the project `name` in `folder`, which must be empty or absent, from a template.
 * @returns the files it wrote, relative to the folder, sorted.
 * @throws CloudletError `request-invalid` for an unknown template, `conflict` for a folder with something in it.
 */
export async function scaffold(template: string, folder: string, name: string): Promise<string[]> {
  const chosen = templateNamed(template);
  if (chosen === null) {
    const known = Object.keys(TEMPLATES).join(', ');
    throw new CloudletError(
      'request-invalid',
      `there is no template ${JSON.stringify(template)}; expected one of ${known}`,
    );
  }
  const checked = parseName(name);
  const target = resolve(folder);
  if ((await contentOf(target)).length > 0) {
    throw new CloudletError('conflict', `${target} is not empty; name a new folder`);
  }
  const source = join(TEMPLATES_FOLDER, chosen);
  const made = await mkdir(target, { recursive: true });
  try {
    await copyTemplate(source, target, chosen, checked);
  } catch (error) {
    // Half a project would be in the way of another try.
    const written = made === undefined ? (await readdir(source)).map((name) => join(target, name)) : [made];
    for (const path of written) await rm(path, { recursive: true, force: true });
    throw error;
  }
  return (await contentOf(target)).sort();
}

async function copyTemplate(source: string, target: string, chosen: string, name: string): Promise<void> {
  const built = join(source, 'build');
  await cp(source, target, { recursive: true, filter: (path) => path !== built });
  await rewrite(join(target, PROJECT_FILE), (text) => text.replace(JSON.stringify(chosen), JSON.stringify(name)));
  await rewrite(join(target, 'README.md'), (text) => text.replaceAll(chosen, name));
  await rewrite(join(target, 'tsconfig.json'), (text) =>
    text
      .replace('../../guest/index.ts', pathFrom(target, join(GUEST_FOLDER, 'index.ts')))
      .replace('../../client/index.ts', pathFrom(target, join(PACKAGE_FOLDER, 'guest-sdk/client/index.ts')))
      .replaceAll('../../../node_modules/', `${pathFrom(target, join(PACKAGE_FOLDER, 'node_modules'))}/`),
  );
  await rewrite(join(target, 'test/tsconfig.json'), (text) =>
    text.replace(
      '../../../../node_modules/',
      `${pathFrom(join(target, 'test'), join(PACKAGE_FOLDER, 'node_modules'))}/`,
    ),
  );
}

/** Where an editor finds types; a build finds the guest library and what it offers by itself. */
function pathFrom(folder: string, file: string): string {
  const path = relative(folder, file);
  return path.startsWith('.') ? path : `./${path}`;
}

/** Files below a folder; none when it does not exist. */
async function contentOf(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    if (codeOf(error) === 'ENOTDIR')
      throw new CloudletError('conflict', `${folder} is a file; name a new folder`, { cause: error });
    throw error;
  }
}

async function rewrite(file: string, change: (text: string) => string): Promise<void> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    // A template without this file has nothing to rewrite in it.
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  await writeFile(file, change(text));
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
