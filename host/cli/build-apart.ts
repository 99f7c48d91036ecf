import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CloudletError, parseDigest } from '../../guest-sdk/protocol/index.ts';
import type { KeptBuild } from './kept-build.ts';

const CLI = fileURLToPath(new URL('./main.ts', import.meta.url));

/**
 * Builds a project in a process of its own: compilers leave a hundred megabytes behind, which a host would keep for as long as it
 * serves. Throws `build-failed` with the sentence of `cloudlet build`, and the signal's reason when it aborts.
 */
export function buildApart(folder: string, signal: AbortSignal): Promise<KeptBuild> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [CLI, 'build', '--json', folder], { signal }, (error, stdout, stderr) => {
      if (error === null) {
        const { component, sizeBytes, digest } = JSON.parse(stdout) as Record<keyof KeptBuild, string | number>;
        resolve({ component: String(component), sizeBytes: Number(sizeBytes), digest: parseDigest(String(digest)) });
      } else if (signal.aborted) reject(signal.reason);
      else reject(new CloudletError('build-failed', sentenceOf(stderr) ?? error.message, { cause: error }));
    });
  });
}

/** What a failing `cloudlet` says behind its name; the lines before it are progress. */
function sentenceOf(stderr: string): string | undefined {
  return stderr.split(/^cloudlet: /m)[1]?.trim();
}
