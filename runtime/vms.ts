import { keepBlankVm } from './cloudlet-blanks.ts';
import { type Accelerator, chooseAccelerator } from './machine/index.ts';
import type { CloudletOptions } from './options.ts';
import type { BlankVms } from './provision/index.ts';
import type { CloneOptions, ServiceWorld } from './service/index.ts';
import { openVmImages, type VmImage, type VmImageStore } from './vm/image/index.ts';
import { restoreVm } from './vm/machine/restore-vm.ts';

/** What VMs of a cloudlet are made of. */
export interface Vms {
  readonly images: VmImageStore;
  /** How they run; `sandbox-unavailable` when QEMU is missing, and the next call looks again. */
  readonly accelerator: () => Promise<Accelerator>;
  /** Where services have their images and machines. */
  readonly world: ServiceWorld;
  /** Keeps a VM waiting for an overlay, where that was asked for. */
  readonly blanks: BlankVms | null;
}

/** Opens the saved VMs of this computer. QEMU is looked for when the first one is to run: a cloudlet serves functions without. */
export async function openVms(
  { cacheDir, accel: choice, observer, serviceWorld, blankVm = false }: CloudletOptions,
  budgetBytes: number,
): Promise<Vms> {
  let found: Promise<Accelerator> | null = null;
  const accelerator = (): Promise<Accelerator> => {
    found ??= chooseAccelerator({ cacheDir, choice }).catch((error: unknown) => {
      found = null; // Whoever asks next may have installed it.
      throw error;
    });
    return found;
  };
  const refused = (sentence: string) => observer?.warning?.(sentence);
  const images = await openVmImages({ cacheDir, accel: choice, budgetBytes, refused });
  const world: ServiceWorld = {
    hold: (digest, signal) => images.hold(digest, signal),
    restore: async (image, options) => cloneVm(image, await accelerator(), options),
    ...serviceWorld,
  };
  return { images, accelerator, world, blanks: blankVm ? keepBlankVm({ images, accelerator }) : null };
}

/** Starts a VM that goes on where the image was; what it writes is kept in a file without a name. */
export function cloneVm(image: VmImage, accelerator: Accelerator, { id, cpus, growthBytes, signal }: CloneOptions) {
  const { memory, state, disk: layers, diskBytes: bytes } = image;
  const { memoryMib, vcpus } = image.conditions;
  return restoreVm({
    ...{ id, memory, state, cpus, signal },
    shape: { accelerator, memoryMib, vcpus },
    disk: { layers, bytes, growthBytes },
  });
}
