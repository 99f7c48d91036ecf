import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { ComputerConditions, SnapshotConditions } from '../../machine/index.ts';

/**
 * By how much the counter's rate may differ, as a part of it: it is measured again in each boot of the computer, and beside others that want the
 * processor by 0.4 % wrongly. A VM gets the time anew whenever it is restored, so that its clock is never off for long; processors that differ by
 * less than this are few.
 */
const COUNTER_TOLERANCE = 0.01;

/** What differs between the conditions of a saved VM and this computer, as a clause; null when it can be restored here. */
export function whatDiffers(saved: SnapshotConditions, here: ComputerConditions): string | null {
  const of = (what: string, was: unknown, is: unknown) =>
    `its ${what} was ${was ?? 'none'}, here it is ${is ?? 'none'}`;
  if (saved.qemu !== here.qemu) return of('QEMU', saved.qemu, here.qemu);
  if (saved.accelerator !== here.accelerator) return of('accelerator', saved.accelerator, here.accelerator);
  if (saved.processor !== here.processor) return of('processor', saved.processor, here.processor);
  const near =
    saved.counterMhz === here.counterMhz ||
    (saved.counterMhz !== null &&
      here.counterMhz !== null &&
      Math.abs(saved.counterMhz - here.counterMhz) <= COUNTER_TOLERANCE * here.counterMhz);
  return near ? null : of("processor's counter, in MHz,", saved.counterMhz, here.counterMhz);
}

/** Fails with `conditions-differ`, and what differs, unless a VM saved under these conditions can be restored here. */
export function expectConditions(saved: SnapshotConditions, here: ComputerConditions): void {
  const differs = whatDiffers(saved, here);
  if (differs === null) return;
  throw new CloudletError(
    'conditions-differ',
    `the VM was saved for another computer: ${differs}; make it here, from its recipe or on its base`,
  );
}
