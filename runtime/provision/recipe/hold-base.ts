import { CloudletError, type Digest } from '../../../guest-sdk/protocol/index.ts';
import type { HeldVmImage, VmImageStore } from '../../vm/image/index.ts';

/**
 * The base that is meant, held; the default is the one that was used last, never one with a stock kernel, which has to be named.
 * `base-unknown` when it is not here, or none is.
 */
export async function holdBase(
  images: Pick<VmImageStore, 'list' | 'hold'>,
  base: 'default' | Digest,
  signal: AbortSignal,
): Promise<HeldVmImage> {
  const isBase = ({ manifest, unusable }: Awaited<ReturnType<VmImageStore['list']>>[number]) =>
    manifest.kind === 'base' && manifest.stockKernel !== true && unusable === null;
  const digest = base === 'default' ? (await images.list()).find(isBase)?.digest : base;
  const held = digest === undefined ? null : await images.hold(digest, signal);
  if (held?.image.kind === 'base') return held;
  await held?.release();
  const expected = base === 'default' ? 'a base VM' : `the base VM ${base}`;
  throw new CloudletError(
    'base-unknown',
    `expected ${expected}, found none that can be used here; make one: npx cloudlet vm base build`,
  );
}
