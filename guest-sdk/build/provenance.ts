import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ANNOTATIONS, type Annotations, type GrantRequest } from '../protocol/index.ts';
import { PROJECT_FILE, readProjectFacts } from './project.ts';

/** What of a project's folder is no source of it. */
const NOT_SOURCES = new Set(['build', 'node_modules']);

/** What builds a language, of the packages that this one names. */
const TOOLS: Readonly<Record<string, readonly string[]>> = {
  typescript: ['esbuild', 'componentize-qjs', '@bytecodealliance/componentize-js'],
  assemblyscript: ['assemblyscript'],
};

/** Longest text of what a grant asks for, characters; the grant layer has all of it. */
const MAX_GRANT_CHARS = 2000;

/**
 * What a package says of where it comes from: its name, a digest of its sources, what built it. Nothing of the time, the
 * user or the computer.
 */
export async function provenanceOf(folder: string): Promise<Annotations> {
  const facts = await readProjectFacts(join(folder, PROJECT_FILE));
  if (facts === null) return {};
  return {
    ...(facts.name === undefined ? {} : { [ANNOTATIONS.title]: facts.name }),
    [ANNOTATIONS.source]: await sourceDigest(folder),
    [ANNOTATIONS.tools]: toolsOf(facts.language),
  };
}

/** What a grant asks for, for people who look at a manifest; none where that is nothing, or much. */
export function grantAnnotation(grant: GrantRequest): Annotations {
  const text = JSON.stringify(grant);
  return text === '{}' || text.length > MAX_GRANT_CHARS ? {} : { [ANNOTATIONS.grant]: text };
}

/** Digest of the sources in a folder: paths and contents, sorted; builds, packages and hidden files are none, and links are not followed. */
export async function sourceDigest(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const add = async (path: string): Promise<void> => {
    const place = join(folder, path);
    const found = await lstat(place);
    if (found.isDirectory()) {
      for (const name of (await readdir(place)).sort())
        if (!name.startsWith('.') && !(path === '' && NOT_SOURCES.has(name)))
          await add(path === '' ? name : `${path}/${name}`);
    } else if (found.isFile()) {
      const bytes = await readFile(place);
      hash.update(`${path}\0${bytes.length}\0`).update(bytes);
    }
  };
  await add('');
  return `sha256:${hash.digest('hex')}`;
}

function toolsOf(language: string | undefined): string {
  const { version, dependencies } = ownPackage();
  const tools = (TOOLS[language ?? ''] ?? []).map((name) => `${name} ${dependencies[name]}`);
  return [`cloudlet ${version}`, ...tools].join(', ');
}

function ownPackage(): { readonly version: string; readonly dependencies: Readonly<Record<string, string>> } {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
}
