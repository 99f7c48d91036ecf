import { execFile } from 'node:child_process';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';

/** Copies what a file holds into another that exists, and leaves its holes holes. The copy shares the blocks where the file system can. */
export function copySparse(from: string, to: string, signal?: AbortSignal): Promise<void> {
  // Node copies holes as zeros, and a machine's memory is mostly holes.
  const args = ['--sparse=always', '--reflink=auto', '--no-preserve=all', '--', from, to];
  return new Promise((resolve, reject) => {
    execFile('cp', args, signal === undefined ? {} : { signal }, (error, _, stderr) => {
      if (error === null) return resolve();
      const why = stderr.trim() || error.message;
      reject(
        new CloudletError('storage-unavailable', `a machine's memory could not be copied: ${why}`, { cause: error }),
      );
    });
  });
}
