import { CloudletError, type Wait } from '../protocol/index.ts';

export { type Wait, waited } from '../protocol/index.ts';

/** How long a device waits for its cloudlet, each time that it is not there, milliseconds: half a minute together. */
export const PATIENCE_MS: readonly number[] = [250, 500, 1000, 2000, 4000, 5000, 5000, 5000, 5000];

/** What a host says that is not there, or not yet, or not for long. */
const AWAY: ReadonlySet<string> = new Set(['network-unavailable', 'starting', 'draining']);

/** Whether it makes sense to ask again soon. What is no error of ours is the platform's way to say that a connection broke. */
export function isAway(error: unknown): boolean {
  return !(error instanceof CloudletError) || AWAY.has(error.code);
}

/** Does what may fail because the cloudlet is away, again and again until patience ends. */
export async function patiently<T>(work: () => Promise<T>, signal: AbortSignal | undefined, wait: Wait): Promise<T> {
  for (let away = 0; ; away += 1) {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (!isAway(error) || away === PATIENCE_MS.length) throw error;
      await wait(PATIENCE_MS[away]!, signal);
    }
  }
}
