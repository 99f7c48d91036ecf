/**
 * Translations of test guests, kept between test files and runs: a file that needs one otherwise loads a translator and waits for it.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOfHex } from '../../guest-sdk/protocol/index.ts';
import type { Artifact } from '../../runtime/component/artifact.ts';
import { ArtifactCache } from '../../runtime/component/artifact-cache.ts';
import { TEST_CACHE } from './microvm-lab.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** What decides how a component is translated. */
const SOURCES = ['runtime/component', 'runtime/wasi', 'guest-sdk/protocol', 'package-lock.json'];
const FOLDER = join(TEST_CACHE, 'test-artifacts');
/** Translations by sources that nobody has used for this long are removed, milliseconds. */
const UNUSED_MS = 14 * 24 * 3600 * 1000;

let opened: Promise<ArtifactCache> | null = null;

/** The translation of a component by the present sources, kept or made now. */
export async function keptArtifact(component: Uint8Array): Promise<Artifact> {
  opened ??= open();
  const cache = await opened;
  const digest = digestOfHex(createHash('sha256').update(component).digest('hex'));
  const kept = await cache.load(digest);
  if (kept !== null) return kept;
  const { transpile } = await import('../../runtime/component/transpile.ts');
  const artifact = await transpile(component, digest);
  await cache.save(artifact);
  return artifact;
}

async function open(): Promise<ArtifactCache> {
  const folder = join(FOLDER, await digestOfSources());
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await utimes(folder, new Date(), new Date());
  for (const name of await readdir(FOLDER)) {
    const path = join(FOLDER, name);
    // Another process may remove it first.
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > UNUSED_MS) await rm(path, { recursive: true, force: true });
  }
  return new ArtifactCache(folder);
}

async function digestOfSources(): Promise<string> {
  const hash = createHash('sha256');
  for (const source of SOURCES) {
    const path = join(ROOT, source);
    const below = (await stat(path)).isDirectory()
      ? (await readdir(path, { recursive: true, encoding: 'utf8' })).filter((name) => name.endsWith('.ts')).sort()
      : [''];
    for (const name of below) hash.update(`${source}/${name}\n`).update(await readFile(join(path, name)));
  }
  return hash.digest('hex').slice(0, 16);
}
