import { asCloudletError, CloudletError, type FilesLayer } from '../../../guest-sdk/protocol/index.ts';
import { ByteFeed } from './byte-feed.ts';
import { expanded } from './expanded.ts';
import { readTar, type TarEntry } from './tar-reader.ts';

/** Files of one package, and of the directories that its grant makes of them: every machine of the function holds them in memory. */
export const MAX_FILES = 4096;

/** Bytes of these files together. */
export const MAX_FILES_BYTES = 64 * 1024 * 1024;

/** What headers and fillings of so many files may take of a tar. */
const MAX_LAYER_BYTES = MAX_FILES_BYTES + MAX_FILES * 4096;

/** The files of a layer as they come, of at most `leftBytes` together: each is read before the next is asked for, or skipped. `package-invalid` says what is wrong. */
export async function* layerEntries(
  bytes: AsyncIterable<Uint8Array>,
  { digest, compression }: Pick<FilesLayer, 'digest' | 'compression'>,
  leftBytes: number = MAX_FILES_BYTES,
): AsyncGenerator<TarEntry> {
  const feed = new ByteFeed(bounded(expanded(bytes, compression)));
  try {
    for await (const entry of readTar(feed, { what: 'a layer of files', entries: MAX_FILES * 2, bytes: leftBytes })) {
      if (/(^|\/)\.wh\./.test(entry.path))
        throw invalidLayer(`files without whiteouts, got ${JSON.stringify(entry.path)}`);
      yield entry;
    }
  } catch (error) {
    throw isTruncated(error) ? invalidLayer(`a whole tar of files, got its beginning: ${digest}`, error) : error;
  } finally {
    await feed.close();
  }
}

/** Bytes that break off are a fault of the package here: it came whole, and sending it again would not help. */
function isTruncated(error: unknown): boolean {
  return error instanceof CloudletError && error.code === 'body-truncated';
}

/** The same bytes until they are more than any layer may have: a few kilobytes can stand for gigabytes. */
async function* bounded(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let total = 0;
  try {
    for await (const chunk of bytes) {
      total += chunk.length;
      if (total > MAX_LAYER_BYTES) throw invalidLayer(`at most ${MAX_LAYER_BYTES} bytes unpacked, got more`);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof CloudletError) throw error;
    throw new CloudletError(
      'package-invalid',
      `a layer of files cannot be unpacked: ${asCloudletError(error).message}`,
      { cause: error },
    );
  }
}

/** Refuses files that are more than a package may have. */
export function checkFileCount({ size }: { readonly size: number }): void {
  if (size > MAX_FILES) throw invalidLayer(`at most ${MAX_FILES} files, got more`);
}

/** What a layer of files is not as it should be. */
export function invalidLayer(expected: string, cause?: unknown): CloudletError {
  return new CloudletError('package-invalid', `a layer of files: expected ${expected}`, { cause });
}
