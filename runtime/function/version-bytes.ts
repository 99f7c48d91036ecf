import { CloudletError, type FunctionName } from '../../guest-sdk/protocol/index.ts';

/**
 * Bytes that a published version has. When they are gone from the disk, that is `storage-corrupt`: whoever calls the function asked
 * for nothing wrong, and a 404 would tell him that there is no such function.
 */
export async function versionBytes<T>(name: FunctionName, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof CloudletError) || error.code !== 'not-found') throw error;
    throw new CloudletError('storage-corrupt', `${error.message}; publish "${name}" again`, { cause: error });
  }
}
