import { execFile } from 'node:child_process';

/** Makes holes of the zeros in a file: what a guest has freed and cleared takes no disk. Does nothing where a file system has no holes. */
export function digHoles(path: string, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    execFile('fallocate', ['--dig-holes', path], signal === undefined ? {} : { signal }, () => resolve());
  });
}
