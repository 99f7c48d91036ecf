import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import type { SnapshotConditions } from '../../../machine/index.ts';
import { expectConditions, type HeldVmImage, type VmImageStore } from '../../../vm/image/index.ts';
import type { OverlayManifest } from '../overlay-manifest.ts';

/**
 * Holds the base that an overlay was made on. `conditions-differ` when it was made for another computer, `base-unknown` when the base is not
 * here, `overlay-refused` when it contradicts its base: all before a byte of it is asked for.
 */
export async function expectOverlayFits(
  manifest: OverlayManifest,
  images: Pick<VmImageStore, 'computer' | 'hold'>,
  signal?: AbortSignal,
): Promise<HeldVmImage> {
  expectConditions(manifest.conditions, await images.computer());
  const held = await images.hold(manifest.base, signal);
  if (held === null) {
    const sentence = `the overlay was made on base VM ${manifest.base}, which is not here; bring it: npx cloudlet vm base export there, npx cloudlet vm base import here`;
    throw new CloudletError('base-unknown', sentence);
  }
  const contradiction = whatContradicts(manifest, held.image);
  if (contradiction === null) return held;
  await held.release();
  throw new CloudletError(
    'overlay-refused',
    `the overlay contradicts its base VM: ${contradiction}; make the overlay anew`,
  );
}

const SHAPE = ['image', 'memoryMib', 'vcpus', 'workers'] as const satisfies readonly (keyof SnapshotConditions)[];

function whatContradicts(manifest: OverlayManifest, base: HeldVmImage['image']): string | null {
  if (base.kind !== 'base') return 'it is no base, but a service VM';
  if (manifest.diskBytes !== base.diskBytes)
    return `its disk has ${manifest.diskBytes} bytes, the base's ${base.diskBytes}`;
  const differs = SHAPE.find((key) => manifest.conditions[key] !== base.conditions[key]);
  if (differs === undefined) return null;
  return `its ${differs} is ${manifest.conditions[differs]}, the base's ${base.conditions[differs]}`;
}
