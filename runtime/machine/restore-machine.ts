import { restore } from './come-alive.ts';
import { newIdentity, TEMPLATE_WALL_MS } from './identity.ts';
import type { MachineStart } from './qemu-args.ts';
import type { QemuMachine } from './qemu-machine.ts';
import { type MachineOptions, startMachine } from './start-machine.ts';

/** How a machine is restored. Units in the names. */
export interface RestoreOptions extends MachineOptions {
  /** The snapshot's device state. */
  readonly state: string;
  /** The snapshot's memory; for a template a copy, which it changes. */
  readonly memory: string;
  /** Where the device state goes when the machine is to become a snapshot itself. An empty file. */
  readonly template?: { readonly saved: string };
  /** How long the guest's kernel may take to acknowledge its new identity. Default 10 s. */
  readonly restoreMs?: number;
}

/** A hundred times what it takes. */
const RESTORE_MS = 10_000;

/**
 * Restores a machine from a snapshot and resolves when its kernel has taken a time, randomness and a name of its own: nobody may
 * be served by it before. Fails with `machine-failed`, and the machine is gone, when it does not.
 */
export function restoreMachine(options: RestoreOptions): Promise<QemuMachine> {
  const { template, restoreMs = RESTORE_MS, signal } = options;
  const start: MachineStart = { from: 'snapshot', memory: template === undefined ? 'private' : 'kept' };
  const files = { memory: options.memory, incoming: options.state, ...template };
  return restore(
    () => startMachine(options, start, files),
    (machine) => (template === undefined ? machine.renewNow() : machine.renew(newIdentity(TEMPLATE_WALL_MS))),
    { ms: restoreMs, signal },
  );
}
