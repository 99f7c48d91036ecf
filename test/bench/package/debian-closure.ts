import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Bytes of the archives that apt would download to have packages on a system that has nothing, without what is only recommended. */
export async function closureBytes(packages: readonly string[]): Promise<number> {
  const options = ['-qq', '-y', '--print-uris', '--no-install-recommends', '-o', 'Dir::State::status=/dev/null'];
  const { stdout } = await run('apt-get', ['install', ...options, ...packages]);
  const sizes = [...stdout.matchAll(/^'[^']+' \S+ (\d+) /gm)].map(([, size]) => Number(size));
  if (sizes.length === 0) throw new Error(`expected archives of ${packages.join(', ')} from apt, got ${stdout}`);
  return sizes.reduce((sum, size) => sum + size, 0);
}
