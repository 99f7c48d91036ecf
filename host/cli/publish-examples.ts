import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from '../../guest-sdk/build/index.ts';
import { asCloudletError, parseName } from '../../guest-sdk/protocol/index.ts';
import type { Cloudlet } from '../../runtime/index.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

/**
 * Builds and publishes every example that is newer than its build. One that cannot be built is skipped with the reason: it never
 * keeps the host from serving.
 */
export async function publishExamples(
  cloudlet: Pick<Cloudlet, 'publish'>,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const names = (await readdir(EXAMPLES, { withFileTypes: true })).filter((each) => each.isDirectory());
  for (const { name } of names.sort((a, b) => a.name.localeCompare(b.name))) {
    if (signal.aborted) return;
    try {
      const component = (await finishedBuild(join(EXAMPLES, name))) ?? (await buildExample(name, say, signal));
      const { size } = await stat(component);
      const published = await cloudlet.publish(parseName(name), createReadStream(component), {
        contentLength: size,
        signal,
      });
      if (published.created) say(`published ${name}, version ${published.version}`);
    } catch (error) {
      if (signal.aborted) return;
      say(`${name} skipped: ${asCloudletError(error).message}`);
    }
  }
}

async function buildExample(name: string, say: (line: string) => void, signal: AbortSignal): Promise<string> {
  say(`building ${name} …`);
  return (await build(join(EXAMPLES, name), { signal })).component;
}

/** The component of an earlier build, when none of the project's files changed since. */
async function finishedBuild(folder: string): Promise<string | null> {
  const builds = join(folder, 'build');
  const [component] = (await readdir(builds).catch(() => [])).filter(
    (file) => file.endsWith('.wasm') && !file.startsWith('.'),
  );
  if (component === undefined) return null;
  const path = join(builds, component);
  const builtAt = (await stat(path)).mtimeMs;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || file.startsWith(`${builds}/`)) continue;
    if ((await stat(file)).mtimeMs > builtAt) return null;
  }
  return path;
}
