import { randomBytes } from 'node:crypto';
import { type Accelerator, copySparse } from '../../machine/index.ts';
import type { VmImage, VmImageStore } from '../../vm/image/index.ts';
import { restoreVm } from '../../vm/machine/restore-vm.ts';
import type { Workshop } from './workshop.ts';

/** A workshop that has a place among the VMs of this computer until it is closed: what is made takes as much as what serves. */
export async function inPlace(place: { release(): Promise<void> }, begin: () => Promise<Workshop>): Promise<Workshop> {
  try {
    const workshop = await begin();
    return { ...workshop, close: () => workshop.close().finally(() => place.release()) };
  } catch (error) {
    await place.release();
    throw error;
  }
}

/**
 * Starts a VM on a private copy of a base, as its next image: its writes go to a layer on the base's disk, its memory is a copy of the
 * base's. Whoever holds the base does so until it is closed.
 */
export async function openWorkshop(
  { images, accelerator }: { readonly images: Pick<VmImageStore, 'draft'>; readonly accelerator: Accelerator },
  base: VmImage,
  growthBytes: number,
  signal: AbortSignal,
): Promise<Workshop> {
  const { conditions, diskBytes } = base;
  const { memoryMib, vcpus } = conditions;
  const draft = await images.draft({ memoryMib, layers: ['qcow2'], layerBytes: growthBytes });
  try {
    await copySparse(base.memory, draft.memory, signal);
    const vm = await restoreVm({
      id: `recipe-${randomBytes(6).toString('hex')}`,
      shape: { accelerator, memoryMib, vcpus },
      disk: { layers: base.disk, bytes: diskBytes, growthBytes, top: draft.layers[0]! },
      memory: draft.memory,
      state: base.state,
      template: { saved: draft.state },
      signal,
    });
    return {
      vm,
      save: async ({ key, about, service }, saving) => {
        await vm.quiesce(saving);
        await vm.save();
        await vm.close();
        const made = { kind: 'service', key, about, conditions, diskBytes, base: base.digest, service } as const;
        return draft.commit(made, saving);
      },
      close: async () => {
        await vm.close();
        await draft.discard();
      },
    };
  } catch (error) {
    await draft.discard();
    throw error;
  }
}
