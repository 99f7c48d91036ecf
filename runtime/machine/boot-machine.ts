import { boot } from './come-alive.ts';
import { newIdentity, TEMPLATE_WALL_MS } from './identity.ts';
import type { MachineStart } from './qemu-args.ts';
import type { QemuMachine } from './qemu-machine.ts';
import { type MachineFiles, type MachineOptions, startMachine } from './start-machine.ts';

/** How a machine is booted. Units in the names. */
export interface BootOptions extends MachineOptions {
  /** How long the agent may take to say its first word; then the machine is killed and booted once more. Default 30 s. */
  readonly bootMs?: number;
  /** Where its memory and its device state shall be, when it is to become a snapshot. Empty files. */
  readonly template?: Required<Pick<MachineFiles, 'memory' | 'saved'>>;
}

/** Under emulation, on a busy computer. */
const BOOT_MS = 30_000;

/**
 * Boots a machine from a base image and resolves when its agent has begun to speak; the bytes are left in the channel.
 * Fails with `machine-failed`, quoting what QEMU and the console said last.
 */
export function bootMachine(options: BootOptions): Promise<QemuMachine> {
  const { template, bootMs = BOOT_MS, signal } = options;
  const start: MachineStart = { from: 'boot', memory: template === undefined ? 'anonymous' : 'kept' };
  const renew = (machine: QemuMachine) =>
    template === undefined ? machine.renewNow() : machine.renew(newIdentity(TEMPLATE_WALL_MS));
  return boot(
    () => startMachine(options, start, template),
    (machine) => Promise.all([renew(machine), machine.firstWord()]),
    { ms: bootMs, signal },
  );
}
