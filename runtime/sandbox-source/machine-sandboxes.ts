import { randomUUID } from 'node:crypto';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { type BaseImage, ensureImageApart } from '../image/index.ts';
import { bootMachine, chooseAccelerator, describeAccelerator } from '../machine/index.ts';
import type { CloudletLimits, CloudletOptions } from '../options.ts';
import { type Sandbox, type SandboxSource, startLoaded, startSandbox } from '../sandbox/index.ts';

/** What the kernel, Node and the agent take of a machine's memory, MiB. What a machine does not touch costs the host nothing. */
const SYSTEM_MIB = 384;

/**
 * Sandboxes in QEMU microVMs, each with as many workers as invocations are allowed at once. The accelerator is chosen at
 * once, because QEMU may be missing; the base image is looked at in the background, so that the host serves its page
 * meanwhile, and again at the next start of a sandbox when that failed.
 */
export async function machineSandboxes(options: CloudletOptions, limits: CloudletLimits): Promise<SandboxSource> {
  const { cacheDir, accel: choice } = options;
  const accelerator = await chooseAccelerator({ cacheDir, choice });
  const closing = new AbortController();
  const memoryMib = SYSTEM_MIB + limits.memoryMib * limits.concurrency;
  let image: Promise<BaseImage> | null = null;
  const theImage = (): Promise<BaseImage> => {
    image ??= ensureImageApart({ cacheDir, signal: closing.signal }).then(
      (had) => {
        if (had.outdated !== undefined) options.observer?.warning?.(had.outdated);
        return had;
      },
      (error: unknown) => {
        image = null;
        throw error;
      },
    );
    return image;
  };
  theImage().catch(() => {
    // The sandbox that needs it says why.
  });
  const startEmpty = async (signal: AbortSignal): Promise<Sandbox> => {
    const base = await theImage();
    const startMachine = () =>
      bootMachine({
        id: `machine-${randomUUID().slice(0, 8)}`,
        image: base,
        accelerator,
        memoryMib,
        workers: limits.concurrency,
        signal,
      }).catch((error: unknown) => {
        // The image is not what it was, or is gone: the next start has it again.
        if (error instanceof CloudletError && error.code === 'sandbox-unavailable') image = null;
        throw error;
      });
    return startSandbox({ kind: 'microvm', startMachine }, signal);
  };
  return {
    kind: 'microvm',
    accelerator: describeAccelerator(accelerator),
    start: async (version, signal) => ({ sandbox: await startLoaded(version, startEmpty, signal), via: 'boot' }),
    prepare: () => Promise.resolve(),
    forget: () => Promise.resolve(),
    close: async () => {
      closing.abort();
      await image?.catch(() => {}); // Given up or had: both are an end.
    },
  };
}
