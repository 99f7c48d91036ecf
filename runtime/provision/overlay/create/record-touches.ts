import { randomUUID } from 'node:crypto';
import type { ServiceSpec } from '../../../../guest-sdk/protocol/index.ts';
import type { Accelerator } from '../../../machine/index.ts';
import { type BlockServer, serveBlocks } from '../../../vm/disk/block-server.ts';
import { LayeredDisk } from '../../../vm/disk/layered-disk.ts';
import type { VmImage } from '../../../vm/image/index.ts';
import type { RestoreVmOptions, StartedVm } from '../../../vm/machine/vm-options.ts';
import { TouchRecorder } from './touch-recorder.ts';

/** Resolves when the server of a VM has served as it should. */
export type ProbeVm = (vm: StartedVm, spec: ServiceSpec, signal: AbortSignal) => Promise<void>;

/** What a rehearsal runs with. */
export interface TouchOptions {
  readonly accelerator: Accelerator;
  readonly restore: (options: RestoreVmOptions) => Promise<StartedVm>;
  readonly probe: ProbeVm;
  readonly signal: AbortSignal;
}

/**
 * Runs a clone of a service VM once, on a disk that is watched, until its server has answered: the blocks that it read, in their order. Those are
 * what a cloudlet needs first.
 */
export async function recordTouches(image: VmImage, service: ServiceSpec, options: TouchOptions): Promise<number[]> {
  const { accelerator, restore, probe, signal } = options;
  const { memoryMib, vcpus } = image.conditions;
  const disk = await LayeredDisk.open(image.disk, image.diskBytes);
  const recorder = new TouchRecorder(disk);
  let server: BlockServer | null = null;
  try {
    const vm = await restore({
      id: `rehearsal-${randomUUID()}`,
      shape: { accelerator, memoryMib, vcpus },
      disk: {
        layers: [],
        bytes: image.diskBytes,
        growthBytes: service.limits.diskMib * 2 ** 20,
        serve: (connection) => {
          server = serveBlocks(connection, recorder);
        },
      },
      memory: image.memory,
      state: image.state,
      signal,
    });
    try {
      await probe(vm, service, signal);
    } finally {
      await vm.close();
    }
    return recorder.touched;
  } finally {
    (server as BlockServer | null)?.close();
    await disk.close();
  }
}
