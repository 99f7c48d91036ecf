import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { Clock } from '../../sandbox/index.ts';

/** How long until it is tried again, milliseconds, when the disk is full. */
const RETRY_MS = 5000;

/**
 * Has a version taken back that did not become whole. On a full disk that has no room even for this, `makeRoom` lets what was sent of it go first; when
 * that does not help, it is tried again until there is room, or another error says that nobody is there any more to do it.
 */
export async function takenBack(
  takeBack: () => Promise<void>,
  makeRoom: () => Promise<void>,
  clock: Pick<Clock, 'after'>,
): Promise<void> {
  try {
    await takeBack();
  } catch (error) {
    if (!isFull(error)) throw error;
    await makeRoom();
    const again = (): Promise<void> =>
      takeBack().catch((failure: unknown) => {
        // Another error is that of a cloudlet that was closed: its next start takes it back.
        if (isFull(failure)) clock.after(RETRY_MS, () => void again());
      });
    await again();
  }
}

function isFull(error: unknown): boolean {
  return error instanceof CloudletError && error.code === 'storage-full';
}
