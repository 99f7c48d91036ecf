/**
 * Compiled code of the project's sources, kept between test files and between runs: taking the types off the same sources and compiling them again was half of what
 * a fast test file cost.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What may be kept, bytes: code of files that were made for one test is kept as well, and never used again. */
const MAX_BYTES = 256 * 2 ** 20;

/** The environment of processes that share the code in `directory`. What has become too large is begun anew. */
export function withCompileCache(env: NodeJS.ProcessEnv, directory: string): NodeJS.ProcessEnv {
  if (bytesBelow(directory) > MAX_BYTES) rmSync(directory, { recursive: true, force: true });
  return { ...env, NODE_COMPILE_CACHE: directory };
}

function bytesBelow(directory: string): number {
  let bytes = 0;
  try {
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size;
    }
  } catch {
    // There is none yet, or another run begins it anew: what was counted is enough.
  }
  return bytes;
}
