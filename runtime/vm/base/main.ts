/** Has a base VM in a process of its own: it installs, boots and hashes for a minute or more. Started by `base-process.ts`. */
import { doWork } from '../../image/index.ts';
import type { VmImage } from '../image/index.ts';
import { type BaseStage, type EnsureBaseVmOptions, ensureBaseVm } from './build-base.ts';

await doWork<EnsureBaseVmOptions, VmImage, BaseStage>((options, say, signal) =>
  ensureBaseVm({ ...options, signal, onProgress: say }),
);
