import { join } from 'node:path';
import {
  chooseAccelerator,
  describeAccelerator,
  describeHardening,
  type MachineShape,
  SnapshotStore,
} from '../machine/index.ts';
import type { CloudletLimits, CloudletOptions } from '../options.ts';
import type { SandboxSource } from '../sandbox/index.ts';
import { KeptImage } from './kept-image.ts';
import { MachineLadder } from './machine-ladder.ts';

/** What the kernel, Node and the agent take of a machine's memory, MiB. What a machine does not touch costs the host nothing. */
const SYSTEM_MIB = 384;

/**
 * Virtual processors of a machine. Where they are emulated one worker that is warm is worth more than two, since each has its code compiled and translated, and
 * with one processor nothing is an atomic operation, nobody waits for a lock that another holds, and what runs on both is not translated, or waited for, twice.
 */
export const PROCESSORS = { kvm: 2, tcg: 1 } as const satisfies Record<MachineShape['accelerator']['kind'], number>;

/** Snapshots that are kept whatever they take on disk: the golden one and that of one function. */
const SNAPSHOT_FLOOR = 2;

/**
 * Sandboxes in QEMU microVMs, each with as many workers as invocations are allowed at once. The accelerator is chosen at
 * once, because QEMU may be missing; the base image and the golden snapshot are seen to in the background, so that the host
 * serves its page meanwhile.
 */
export async function machineSandboxes(options: CloudletOptions, limits: CloudletLimits): Promise<SandboxSource> {
  const { cacheDir, accel: choice } = options;
  const accelerator = await chooseAccelerator({ cacheDir, choice });
  const hardening = await describeHardening();
  const warning = (sentence: string) => options.observer?.warning?.(sentence);
  const store = await SnapshotStore.open({
    directory: join(cacheDir, 'snapshots'),
    budgetBytes: limits.snapshotBytes,
    floor: SNAPSHOT_FLOOR,
    refused: warning,
  });
  const shape: MachineShape = {
    accelerator,
    memoryMib: SYSTEM_MIB + limits.memoryMib * limits.concurrency,
    vcpus: PROCESSORS[accelerator.kind],
    workers: limits.concurrency,
  };
  const isolation = options.isolation ?? 'shared';
  const image = new KeptImage(cacheDir, warning);
  const ladder = new MachineLadder({ store, shape, image, warning, isolation });
  ladder.begin();
  return {
    kind: 'microvm',
    accelerator: describeAccelerator(accelerator),
    hardening,
    snapshots: async () => {
      const { snapshots, bytes } = await store.usage();
      return { kept: snapshots, bytes, limitBytes: limits.snapshotBytes, isolation };
    },
    expect: () => ladder.expect(),
    start: (version, signal) => ladder.start(version, signal),
    prepare: (version, signal) => ladder.prepare(version, signal),
    forget: (versionId) => ladder.forget(versionId),
    close: () => ladder.close(),
  };
}
