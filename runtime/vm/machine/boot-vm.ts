import { boot } from '../../machine/come-alive.ts';
import { startVm } from './start-vm.ts';
import type { BootVmOptions, StartedVm } from './vm-options.ts';

/** Under emulation, on a busy computer. */
const BOOT_MS = 60_000;

/**
 * Boots a VM and resolves when its relay serves, at the present time. Fails with `machine-failed`, quoting what QEMU and the console said last.
 */
export function bootVm(options: BootVmOptions): Promise<StartedVm> {
  const { kernel, initrd, template, initOnFree = true, bootMs = BOOT_MS, signal } = options;
  const memory = template === undefined ? 'anonymous' : 'kept';
  return boot(
    () => startVm(options, { from: 'boot', memory, initOnFree }, { kernel, initrd, ...template }),
    (vm) => vm.comeAlive(),
    { ms: bootMs, signal },
  );
}
