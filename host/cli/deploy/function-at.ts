import type { CloudletClient } from '../../../guest-sdk/client/index.ts';
import { CloudletError, type FunctionInfo, type FunctionName } from '../../../guest-sdk/protocol/index.ts';

/** The function that has a name now; null when there is none. */
export async function functionAt(
  client: CloudletClient,
  name: FunctionName,
  signal: AbortSignal,
): Promise<FunctionInfo | null> {
  try {
    return await client.function(name, signal);
  } catch (error) {
    if (error instanceof CloudletError && error.code === 'function-unknown') return null;
    throw error;
  }
}
