import { stat } from 'node:fs/promises';

/**
 * The groups that QEMU needs for an accelerator: the one that owns KVM's device, where a group has it. A device for root alone
 * gives none; the probe then finds that KVM cannot be used.
 */
export async function groupsFor(accelerator: 'kvm' | 'tcg', device = '/dev/kvm'): Promise<number[]> {
  if (accelerator === 'tcg') return [];
  const found = await stat(device).catch(() => null); // No device: QEMU says so itself.
  const READ_AND_WRITE = 0o060;
  return found !== null && found.gid !== 0 && (found.mode & READ_AND_WRITE) === READ_AND_WRITE ? [found.gid] : [];
}

/** The devices that QEMU needs for an accelerator: KVM's, where it is. */
export async function devicesFor(accelerator: 'kvm' | 'tcg', device = '/dev/kvm'): Promise<string[]> {
  if (accelerator === 'tcg') return [];
  return (await stat(device).catch(() => null)) === null ? [] : [device]; // No device: QEMU says so itself.
}
