/**
 * Real microVMs, for tests.
 */
import { randomUUID } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { ensureImageApart } from '../../runtime/image/index.ts';
import { bootMachine, chooseAccelerator, type Machine } from '../../runtime/machine/index.ts';

/** What is expensive to make is kept here between runs: the base image, and what was found out about this machine. */
export const TEST_CACHE = join(tmpdir(), `cloudlet-test-cache-${userInfo().uid}`);

/** Boots a machine from the present base image, with the accelerator that works here. Under emulation on a busy machine a boot may take long. */
export async function bootTestMachine(): Promise<Machine> {
  const accelerator = await chooseAccelerator({ cacheDir: TEST_CACHE, choice: 'auto' });
  const image = await ensureImageApart({ cacheDir: TEST_CACHE });
  return bootMachine({ id: randomUUID(), image, accelerator, bootMs: 90_000 });
}
