import { restore } from '../../machine/come-alive.ts';
import { unlessAborted } from '../../machine/index.ts';
import { startVm } from './start-vm.ts';
import type { RestoreVmOptions, StartedVm } from './vm-options.ts';

/** A hundred times what it takes. */
const RESTORE_MS = 10_000;

/**
 * Restores a VM from a saved one and resolves when its kernel has a time, randomness and a name of its own and its relay serves this host: nobody
 * may be served by it before. Fails with `machine-failed`, and the VM is gone, when it does not.
 */
export async function restoreVm(options: RestoreVmOptions): Promise<StartedVm> {
  const { memory, state, template, complete, restoreMs = RESTORE_MS, signal } = options;
  const kept = template === undefined ? 'private' : 'kept';
  const patience = { ms: restoreMs, signal };
  // What was said on the command line at the boot is in the memory.
  const how = { from: 'snapshot', memory: kept, initOnFree: true, isTold: complete !== undefined } as const;
  const start = () => startVm(options, how, { memory, incoming: state, ...template });
  if (complete === undefined) return restore(start, (vm) => vm.comeAlive(), patience);
  complete.catch(() => undefined); // It is heard when QEMU has been started.
  const waiting = await start();
  try {
    await unlessAborted(Promise.race([complete, waiting.exited]), signal);
  } catch (error) {
    await waiting.close();
    throw error;
  }
  return restore(
    async () => waiting,
    (vm) => vm.goOn(),
    patience,
  );
}
