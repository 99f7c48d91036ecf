import * as v from 'valibot';
import { ServiceLimits } from '../guest-sdk/protocol/index.ts';
import { BlankVms } from './provision/index.ts';
import { systemClock } from './sandbox/index.ts';
import type { VmImage } from './vm/image/index.ts';
import { restoreVm } from './vm/machine/restore-vm.ts';
import type { Vms } from './vms.ts';

/** How long a cloudlet is open before a blank is made, milliseconds: one that is started for a moment makes none. */
const AFTER_MS = 5000;

/** Keeps a VM waiting for an overlay on the base that was used last, if there is one. Whoever opens it closes it. */
export function keepBlankVm({ images, accelerator }: Pick<Vms, 'images' | 'accelerator'>): BlankVms {
  const { diskMib, cpus } = v.parse(ServiceLimits, {});
  const limits = { growthBytes: diskMib * 2 ** 20, cpus };
  const lastUsed = async (): Promise<VmImage | null> => {
    // Without bases nobody has to find out how VMs run here.
    if (!(await images.stored()).some(({ manifest }) => manifest.kind === 'base')) return null;
    const isBase = ({ manifest, unusable }: Awaited<ReturnType<typeof images.list>>[number]): boolean =>
      manifest.kind === 'base' && manifest.stockKernel !== true && unusable === null;
    const digest = (await images.list()).find(isBase)?.digest;
    return digest === undefined ? null : await images.find(digest);
  };
  const blanks = new BlankVms({ images, accelerator, restore: restoreVm, limits, other: lastUsed });
  const prepare = async (): Promise<void> => {
    const base = await lastUsed();
    if (base !== null) await blanks.prepare(base);
  };
  const cancel = systemClock.after(AFTER_MS, () => {
    void prepare().catch(() => undefined); // Then an overlay begins its own, and says what is wrong.
  });
  blanks.stopped.addEventListener('abort', cancel, { once: true });
  return blanks;
}
