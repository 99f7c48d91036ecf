import { join } from 'node:path';
import { type AcceleratorOptions, chooseAccelerator, computerConditions } from '../../machine/index.ts';
import { VmImageStore, type VmImageStoreOptions } from './image-store.ts';

/** What saved VMs may take on disk when nothing else is said, bytes. */
export const DEFAULT_VM_IMAGE_BYTES = 16 * 2 ** 30;

/** How the saved VMs of a computer are opened. */
export interface VmImagesOptions extends Pick<VmImageStoreOptions, 'refused'> {
  /** They lie in `vm/images/` below it. */
  readonly cacheDir: string;
  readonly accel?: AcceleratorOptions['choice'];
  readonly budgetBytes?: number;
}

/** Opens the saved VMs of this computer. */
export function openVmImages(options: VmImagesOptions): Promise<VmImageStore> {
  const { cacheDir, accel = 'auto', budgetBytes = DEFAULT_VM_IMAGE_BYTES, refused } = options;
  return VmImageStore.open({
    directory: join(cacheDir, 'vm', 'images'),
    budgetBytes,
    computer: async () => computerConditions(await chooseAccelerator({ cacheDir, choice: accel })),
    ...(refused === undefined ? {} : { refused }),
  });
}
