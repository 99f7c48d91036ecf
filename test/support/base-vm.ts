/**
 * A real base VM, one for all tests: it is made from Debian packages once for each state of the package lists, and kept in the test cache.
 */
import { randomUUID } from 'node:crypto';
import { chooseAccelerator } from '../../runtime/machine/index.ts';
import { ensureBaseVmApart } from '../../runtime/vm/base/index.ts';
import { openVmImages, type VmImage, type VmImageStore } from '../../runtime/vm/image/index.ts';
import { restoreVm } from '../../runtime/vm/machine/restore-vm.ts';
import type { RestoreVmOptions, StartedVm } from '../../runtime/vm/machine/vm-options.ts';
import { TEST_CACHE } from './microvm-lab.ts';

/** What the base VM of tests has beside the essential packages: small servers. */
export const TEST_PACKAGES = ['busybox-static'];

/** The base VM of tests. Files that run at once build it once. A test file that may be the one that does has `time limit: 600 s`. */
export function testBase(): Promise<VmImage> {
  return ensureBaseVmApart({ cacheDir: TEST_CACHE, include: TEST_PACKAGES });
}

/** The store that it is in. */
export function testImages(): Promise<VmImageStore> {
  return openVmImages({ cacheDir: TEST_CACHE });
}

/** Restores a VM of a saved one. */
export async function restoreImage(image: VmImage, options: Partial<RestoreVmOptions> = {}): Promise<StartedVm> {
  const accelerator = await chooseAccelerator({ cacheDir: TEST_CACHE, choice: 'auto' });
  const { memoryMib, vcpus } = image.conditions;
  return restoreVm({
    id: randomUUID(),
    shape: { accelerator, memoryMib, vcpus },
    disk: { layers: image.disk, bytes: image.diskBytes, growthBytes: 256 * 2 ** 20 },
    memory: image.memory,
    state: image.state,
    // Under emulation, on a busy computer.
    restoreMs: 60_000,
    ...options,
  });
}

/** Runs a command in a VM and gives what it wrote; fails when it does. */
export async function outputOf(vm: StartedVm, command: string): Promise<string> {
  const parts: Uint8Array[] = [];
  const status = await vm.relay.run({ command, output: (bytes) => void parts.push(bytes) });
  const text = Buffer.concat(parts).toString();
  if (status !== 0) throw new Error(`"${command}" ended with ${status}: ${text}`);
  return text;
}
