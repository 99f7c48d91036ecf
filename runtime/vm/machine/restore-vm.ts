import { restore } from '../../machine/come-alive.ts';
import { startVm } from './start-vm.ts';
import type { RestoreVmOptions, StartedVm } from './vm-options.ts';

/** A hundred times what it takes. */
const RESTORE_MS = 10_000;

/**
 * Restores a VM from a saved one and resolves when its kernel has a time, randomness and a name of its own and its relay serves this host: nobody
 * may be served by it before. Fails with `machine-failed`, and the VM is gone, when it does not.
 */
export function restoreVm(options: RestoreVmOptions): Promise<StartedVm> {
  const { memory, state, template, restoreMs = RESTORE_MS, signal } = options;
  const kept = template === undefined ? 'private' : 'kept';
  return restore(
    // What was said on the command line at the boot is in the memory.
    () =>
      startVm(options, { from: 'snapshot', memory: kept, initOnFree: true }, { memory, incoming: state, ...template }),
    (vm) => vm.comeAlive(),
    { ms: restoreMs, signal },
  );
}
