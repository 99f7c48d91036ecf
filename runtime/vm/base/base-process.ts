import { fileURLToPath } from 'node:url';
import { workApart } from '../../image/index.ts';
import type { VmImage } from '../image/index.ts';
import type { BaseStage, EnsureBaseVmOptions } from './build-base.ts';

const ENTRY = fileURLToPath(new URL('./main.ts', import.meta.url));

/** `ensureBaseVm` in a process of its own, for a host that serves meanwhile. When `signal` aborts, or we end, nothing is left of what it made. */
export function ensureBaseVmApart(options: EnsureBaseVmOptions): Promise<VmImage> {
  const { onProgress, signal, ...plain } = options;
  return workApart<VmImage, BaseStage>(ENTRY, plain, {
    subject: 'the base VM',
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(signal === undefined ? {} : { signal }),
  });
}
