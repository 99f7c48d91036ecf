import { stat } from 'node:fs/promises';
import { parseDigest } from '../../../guest-sdk/protocol/index.ts';
import { importImageFile, type VmImage, type VmImageStore } from '../../../runtime/index.ts';
import { showProgress } from '../terminal/progress.ts';
import { typed } from '../usage-error.ts';

/** Imports a base VM from a file, and shows how far that is. */
export async function importBaseFile(
  store: VmImageStore,
  file: string,
  digest: string | undefined,
  signal: AbortSignal,
): Promise<VmImage> {
  const expected = digest === undefined ? {} : { expected: typed(() => parseDigest(digest)) };
  const total = (await stat(file).catch(() => null))?.size ?? 0;
  const progress = showProgress(file);
  progress.stage('reading');
  try {
    return await importImageFile(store, file, {
      ...expected,
      onProgress: (done) => progress.amount(done, total),
      signal,
    });
  } finally {
    progress.clear();
  }
}
