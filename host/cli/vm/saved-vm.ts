import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import type { ListedVmImage, VmImageStore } from '../../../runtime/index.ts';
import { hostConfig } from '../../config.ts';
import { typed, UsageError } from '../usage-error.ts';

/** Flags of verbs that work on the saved VMs of this computer. */
export interface SavedVmFlags {
  readonly cache?: string;
  readonly accel?: string;
  readonly json?: boolean;
}

/** Where those flags lead. */
export async function openSavedVms({ cache, accel }: SavedVmFlags): Promise<VmImageStore> {
  const { openVmImages } = await import('../../../runtime/index.ts');
  const { cacheDir, accel: choice } = typed(() => hostConfig({ cache, accel }));
  return openVmImages({ cacheDir, accel: choice, refused: (sentence) => console.error(`cloudlet: ${sentence}`) });
}

/** Fewest digits by which a saved VM is named. */
const LEAST_DIGITS = 4;

/** The one saved VM that a person means by the begin of its digest; `base-unknown` when there is none, wrong use when there are several. */
export function meantVm(saved: readonly ListedVmImage[], text: string): ListedVmImage {
  const digits = text.replace(/^sha256:/, '');
  if (!/^[0-9a-f]{1,64}$/.test(digits) || digits.length < LEAST_DIGITS) {
    throw new UsageError(`expected a digest, or its first ${LEAST_DIGITS} digits or more, got "${text}"`);
  }
  const [first, second] = saved.filter(({ digest }) => digest.startsWith(`sha256:${digits}`));
  if (first === undefined) {
    throw new CloudletError('base-unknown', `no base VM begins with ${digits}; those here: npx cloudlet vm base ls`);
  }
  if (second !== undefined)
    throw new UsageError(`expected more digits: ${first.digest} and ${second.digest} begin with ${digits}`);
  return first;
}
