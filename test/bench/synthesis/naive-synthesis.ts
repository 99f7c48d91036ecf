import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { probeVm } from '../../../runtime/provision/overlay/create/create-overlay.ts';
import type { VmImage } from '../../../runtime/vm/image/index.ts';
import { restoreVm } from '../../../runtime/vm/machine/restore-vm.ts';
import type { LinkShape } from '../../support/shaped-link.ts';
import { applyNaive, naiveOverlay } from './naive-overlay.ts';
import type { Bases } from './prepared.ts';

/** What a naive overlay is, and takes. */
export interface NaiveRun {
  readonly packedBytes: number;
  readonly rawBytes: number;
  /** From the overlay at hand to the first answer, seconds, one for each repetition. */
  readonly appliedS: readonly number[];
}

/** Makes the naive overlay of an application, and synthesizes it some times, one step after the other. */
export async function naiveRuns({ stock, accelerator }: Bases, image: VmImage, repetitions: number): Promise<NaiveRun> {
  const { packed, rawBytes } = await naiveOverlay(stock, image);
  const appliedS: number[] = [];
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    const folder = await mkdtemp(join(tmpdir(), 'cloudlet-bench-naive-'));
    const files = { memory: join(folder, 'memory'), state: join(folder, 'state'), layer: join(folder, 'layer') };
    try {
      await writeFile(files.memory, '');
      const began = performance.now();
      await applyNaive(packed, stock, files);
      const { memoryMib, vcpus } = image.conditions;
      const vm = await restoreVm({
        id: `naive-${repetition}`,
        shape: { accelerator, memoryMib, vcpus },
        disk: {
          layers: [...stock.disk, { path: files.layer, format: 'qcow2' }],
          bytes: image.diskBytes,
          growthBytes: 256 * 2 ** 20,
        },
        ...{ memory: files.memory, state: files.state },
      });
      try {
        await probeVm(vm, image.service!, new AbortController().signal);
        appliedS.push((performance.now() - began) / 1000);
      } finally {
        await vm.close();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return { packedBytes: packed.length, rawBytes, appliedS };
}

/** How long bytes take over a link, when nothing else is done meanwhile. */
export function transferS(bytes: number, { bitsPerS, roundTripMs }: LinkShape): number {
  return (bytes * 8) / bitsPerS + roundTripMs / 1000;
}
