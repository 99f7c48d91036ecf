import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { newIdentity, TEMPLATE_WALL_MS } from './identity.ts';
import type { MachineStart } from './qemu-args.ts';
import type { QemuMachine, Readiness } from './qemu-machine.ts';
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
/** A boot that hangs is tried once more: the kernel's clock calibration is known to fail now and then. */
const ATTEMPTS = 2;

/**
 * Boots a machine from a base image and resolves when its agent has begun to speak; the bytes are left in the channel.
 * Fails with `machine-failed`, quoting what QEMU and the console said last.
 */
export async function bootMachine(options: BootOptions): Promise<QemuMachine> {
  const { template, bootMs = BOOT_MS, signal } = options;
  const start: MachineStart = { from: 'boot', memory: template === undefined ? 'anonymous' : 'kept' };
  for (let attempt = 1; ; attempt++) {
    const machine = await startMachine(options, start, template);
    const renewed = template === undefined ? machine.renewNow() : machine.renew(newIdentity(TEMPLATE_WALL_MS));
    const outcome = await machine.whenReady(Promise.all([renewed, machine.firstWord()]), bootMs, signal);
    if (outcome === 'ready') return machine;
    if (outcome === 'silent' && attempt < ATTEMPTS) await machine.close();
    else throw await startFailure(machine, 'boot', outcome, `${bootMs} ms, ${ATTEMPTS} times`, signal);
  }
}

/** What a page of a mapped file without room on its disk does to QEMU, or one that is beyond the end of its file. */
const NO_ROOM = ', since the file of its memory could not hold a page: is the disk full?';

/** Ends a machine that did not come to life, and says why. Throws when the caller gave it up. */
export async function startFailure(
  machine: QemuMachine,
  what: 'boot' | 'restore',
  outcome: Readiness,
  waited: string,
  signal: AbortSignal | undefined,
): Promise<CloudletError> {
  await machine.close();
  signal?.throwIfAborted();
  const exit = await machine.exited;
  const why =
    typeof outcome === 'object'
      ? outcome.refused
      : outcome === 'silent'
        ? `the guest was silent for ${waited}`
        : `QEMU ended with ${exit.signal ?? `status ${exit.code}`}${exit.signal === 'SIGBUS' ? NO_ROOM : ''}`;
  const doing = what === 'boot' ? 'the machine did not boot' : 'the machine could not be restored';
  return new CloudletError('machine-failed', `${doing}: ${why}; it said last: ${exit.tail || 'nothing'}`);
}
