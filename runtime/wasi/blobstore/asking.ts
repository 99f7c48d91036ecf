import type { Context } from '../context.ts';
import { StoreFailure } from '../store-failure.ts';
import { textBytes } from '../text-bytes.ts';
import { untilClosed } from '../until-closed.ts';
import { BLOB_NAME_BYTES, type BlobBackend } from './blob-backend.ts';

/** Asks the backend of the guest's invocation. Its failure is thrown as a string, which is the error type of `wasi:blobstore`. */
export async function askBlobs<Answer>(
  context: Context,
  work: (backend: BlobBackend) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await untilClosed(context, work(blobsOf(context)));
  } catch (error) {
    throw error instanceof StoreFailure ? error.message : error;
  }
}

/** The backend of the guest's invocation; throws the typed error when nothing was granted. */
export function blobsOf(context: Context): BlobBackend {
  const backend = context.backend.blobs;
  if (backend === null) throw 'access-denied: the function was granted no blob store';
  return backend;
}

/** Refuses a name of a container or an object that is too long, before it is sent anywhere. */
export function checkName(name: string): void {
  if (textBytes(name, BLOB_NAME_BYTES) > BLOB_NAME_BYTES)
    throw `expected a name of at most ${BLOB_NAME_BYTES} bytes, got a longer one`;
}
