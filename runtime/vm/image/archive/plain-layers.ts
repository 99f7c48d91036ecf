import { open } from 'node:fs/promises';
import { readQcow2Map } from '../../disk/qcow2-map.ts';
import { layerFile } from '../image-files.ts';
import type { VmManifest } from '../vm-manifest.ts';

/**
 * Reads the layers that came with an archive as QEMU would. `image-refused` when one is no qcow2, points beyond itself, or needs anything beside itself: a
 * layer may name a second file, which QEMU would open on this computer and show its guest.
 */
export async function expectPlainLayers(directory: string, { layers }: VmManifest): Promise<void> {
  for (const [at, { format }] of layers.entries()) {
    if (format !== 'qcow2') continue;
    const file = await open(layerFile(directory, at, format), 'r');
    try {
      await readQcow2Map(file);
    } finally {
      await file.close();
    }
  }
}
