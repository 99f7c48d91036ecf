import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../store/index.ts';

/** An agent that no program has started from for this long is removed, milliseconds: a program that runs may still start workers from it. */
const KEPT_MS = 30 * 24 * 3600 * 1000;

/**
 * Path of the bundled agent below a cache directory, for agents that run as processes: one file, named by its digest, starts in a fifth of the processor
 * time of its sources, and so does each of its workers. Programs that share the directory write it at once without harm.
 */
export async function ensureAgentFile(cacheDir: string): Promise<string> {
  // Who runs machines has no use for the bundler.
  const { bundleAgent } = await import('./agent-bundle.ts');
  const bytes = await bundleAgent();
  const folder = join(cacheDir, 'agents');
  const path = join(folder, `${createHash('sha256').update(bytes).digest('hex')}.mjs`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const now = new Date();
  const found = await readFile(path).catch(() => null);
  if (found !== null && Buffer.compare(found, bytes) === 0) await utimes(path, now, now);
  else await writeDurably(path, bytes, 0o600);
  await removeUnused(folder, now.getTime() - KEPT_MS);
  return path;
}

async function removeUnused(folder: string, before: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    try {
      if ((await stat(path)).mtimeMs < before) await unlink(path);
    } catch {
      // Another program removed it first.
    }
  }
}
