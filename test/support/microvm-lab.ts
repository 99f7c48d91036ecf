/**
 * Real microVMs, for tests.
 */
import { randomUUID } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { ensureImageApart } from '../../runtime/image/index.ts';
import { bootMachine, chooseAccelerator, type MachineShape, type QemuMachine } from '../../runtime/machine/index.ts';
import { PROCESSORS } from '../../runtime/sandbox-source/machine-sandboxes.ts';

/** What is expensive to make is kept here between runs: the base image, and what was found out about this machine. */
export const TEST_CACHE = join(tmpdir(), `cloudlet-test-cache-${userInfo().uid}`);

/** A machine of the size that tests need, with the accelerator that works here. */
export async function testShape(): Promise<MachineShape> {
  const accelerator = await chooseAccelerator({ cacheDir: TEST_CACHE, choice: 'auto' });
  return { accelerator, memoryMib: 512, vcpus: PROCESSORS[accelerator.kind], workers: 4 };
}

/** Boots a machine from the present base image. Under emulation on a busy machine a boot may take long. */
export async function bootTestMachine(): Promise<QemuMachine> {
  const shape = await testShape();
  const image = await ensureImageApart({ cacheDir: TEST_CACHE });
  return bootMachine({ id: randomUUID(), image, shape, bootMs: 90_000 });
}
