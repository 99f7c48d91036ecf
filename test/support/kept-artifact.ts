/**
 * Translations by the present sources, kept between test files and runs: a file that needs one otherwise loads a translator and waits for it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
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

/** A translation larger than this is not taken from a cloudlet, bytes: dozens of engines are in what tests build. */
const MAX_TAKEN_BYTES = 16 * 2 ** 20;
/** Translations that are taken from cloudlets, at most. */
const MAX_TAKEN = 60;

let opened: Promise<string> | null = null;

/** The translation of a component by the present sources, kept or made now. */
export async function keptArtifact(component: Uint8Array): Promise<Artifact> {
  const cache = new ArtifactCache(await folderOfSources());
  const digest = digestOfHex(createHash('sha256').update(component).digest('hex'));
  const kept = await cache.load(digest);
  if (kept !== null) return kept;
  const { transpile } = await import('../../runtime/component/transpile.ts');
  const artifact = await transpile(component, digest);
  await cache.save(artifact);
  return artifact;
}

/** Gives a cloudlet that keeps its translations in `directory` what is kept here. */
export async function lendArtifacts(directory: string): Promise<void> {
  const kept = await folderOfSources();
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of await complete(kept)) await linkFolder(join(kept, name), join(directory, name));
}

/** Keeps what a cloudlet has translated beside that, for those that come after it. */
export async function takeArtifacts(directory: string): Promise<void> {
  const kept = await folderOfSources();
  const known = await complete(kept);
  for (const name of (await complete(directory)).filter((each) => !known.includes(each))) {
    if (known.length >= MAX_TAKEN) return;
    if ((await bytesIn(join(directory, name))) > MAX_TAKEN_BYTES) continue;
    await linkFolder(join(directory, name), join(kept, name));
    known.push(name);
  }
}

/** Names of translations that are whole. */
async function complete(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => []); // Nothing was translated.
  return names.filter((name) => /^[0-9a-f]{48}$/.test(name));
}

async function bytesIn(folder: string): Promise<number> {
  const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size);
  return (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0);
}

/** The same files in another folder, which appears whole; not at all when it is there, or when the first is removed meanwhile. */
async function linkFolder(from: string, to: string): Promise<void> {
  const incoming = `${to}.${randomUUID()}.tmp`;
  await mkdir(incoming, { mode: 0o700 });
  try {
    for (const name of await readdir(from)) await link(join(from, name), join(incoming, name));
    await rename(incoming, to);
  } catch {
    await rm(incoming, { recursive: true, force: true }); // It is translated where it is needed.
  }
}

function folderOfSources(): Promise<string> {
  opened ??= makeFolder();
  return opened;
}

async function makeFolder(): Promise<string> {
  const folder = join(FOLDER, await digestOfSources());
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await utimes(folder, new Date(), new Date());
  for (const name of await readdir(FOLDER)) {
    const path = join(FOLDER, name);
    // Another process may remove it first.
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > UNUSED_MS) await rm(path, { recursive: true, force: true });
  }
  return folder;
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
