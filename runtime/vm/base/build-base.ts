import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { makeInitrd, readKernelFiles } from '../../image/index.ts';
import { type AcceleratorOptions, chooseAccelerator, draftName } from '../../machine/index.ts';
import { DirectoryLock } from '../../store/index.ts';
import { relayProgram } from '../guest/relay-program.ts';
import { openVmImages, type VmImage, type VmImageDraft, type VmImageStore } from '../image/index.ts';
import { MAX_DISK_BYTES } from '../image/vm-manifest.ts';
import { bootVm } from '../machine/boot-vm.ts';
import { digHoles } from '../machine/dig-holes.ts';
import { makeBaseDisk } from './base-disk.ts';
import { type BaseInputs, type BaseVmShape, DEFAULT_BASE_VM, findBaseInputs } from './base-inputs.ts';
import { makeBaseTree } from './base-tree.ts';
import { flatten } from './flatten.ts';
import { parsePackageNames } from './package-list.ts';
import { missingForBaseVm } from './requirements.ts';

/** What a build does now, in order. */
export const BASE_STAGES = ['packages', 'install', 'disk', 'kernel', 'boot', 'save'] as const;
export type BaseStage = (typeof BASE_STAGES)[number];

/** How a base VM is had. */
export interface EnsureBaseVmOptions extends Partial<BaseVmShape> {
  /** Saved VMs lie in `vm/` below it. */
  readonly cacheDir: string;
  readonly accel?: AcceleratorOptions['choice'];
  /** Bytes on disk beyond which saved VMs go. */
  readonly budgetBytes?: number;
  /** Told at the begin of each stage. */
  readonly onProgress?: (stage: BaseStage) => void;
  readonly signal?: AbortSignal;
}

/** What a boot's writes may come to before they are part of the disk, bytes. */
const BOOT_GROWTH_BYTES = 256 * 2 ** 20;

/** Beside others that boot, under emulation. */
const BOOT_MS = 180_000;

/**
 * The base VM for the present packages of this computer: the saved one when it is whole, else it is built, booted and saved. Several processes
 * may ask at once; one builds. Fails with `sandbox-unavailable` and a remedy where it cannot be built; then nothing is left of it.
 */
export async function ensureBaseVm(options: EnsureBaseVmOptions): Promise<VmImage> {
  const { cacheDir, accel = 'auto', signal, onProgress } = options;
  const shape = shapeOf(options);
  const store = await openVmImages(options);
  const scratch = join(store.directory, draftName('base'));
  await mkdir(scratch, { mode: 0o700 });
  try {
    onProgress?.('packages');
    const accelerator = await chooseAccelerator({ cacheDir, choice: accel });
    const inputs = await orUnavailable(() => findBaseInputs(shape, accelerator, join(scratch, 'apt'), signal), signal);
    const known = await store.findMade('base', inputs.key, signal);
    if (known !== null) return known;
    refuseMissing();
    const lock = await DirectoryLock.takeWhenFree(dirname(store.directory), signal);
    try {
      const made = await store.findMade('base', inputs.key, signal);
      return (
        made ?? (await orUnavailable(() => build(store, inputs, shape, scratch, { ...options, accelerator }), signal))
      );
    } finally {
      lock.release();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function shapeOf(options: EnsureBaseVmOptions): BaseVmShape {
  const { memoryMib, vcpus, diskMib, initOnFree, include } = { ...DEFAULT_BASE_VM, ...options };
  for (const [name, value, least, most] of [
    ['memory', memoryMib, 128, 65_536],
    ['disk', diskMib, 512, MAX_DISK_BYTES / 2 ** 20],
    ['processors', vcpus, 1, 64],
  ] as const) {
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    const unit = name === 'processors' ? '' : ' MiB';
    const sentence = `expected ${name} of ${least} to ${most}${unit}, got ${value}`;
    throw new CloudletError('request-invalid', sentence);
  }
  return { memoryMib, vcpus, diskMib, initOnFree, include: parsePackageNames(include) };
}

function refuseMissing(): void {
  const missing = missingForBaseVm();
  if (missing === null) return;
  const { packages, other } = missing;
  const install = `run: apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  const why = other ?? `${packages.join(' and ')} must be installed; ${install}`;
  throw new CloudletError('sandbox-unavailable', `a base VM cannot be built here: ${why}`);
}

interface Building extends EnsureBaseVmOptions {
  readonly accelerator: Awaited<ReturnType<typeof chooseAccelerator>>;
}

async function build(
  store: VmImageStore,
  inputs: BaseInputs,
  shape: BaseVmShape,
  scratch: string,
  options: Building,
): Promise<VmImage> {
  const { signal, onProgress } = options;
  const draft = await store.draft({ memoryMib: shape.memoryMib, layers: ['raw'], layerBytes: BOOT_GROWTH_BYTES });
  try {
    onProgress?.('install');
    const builtAt = Math.floor(Date.now() / 1000);
    const tree = join(scratch, 'tree');
    const abortable = signal === undefined ? {} : { signal };
    await makeBaseTree(tree, { ...inputs, ...abortable });
    onProgress?.('disk');
    const bytes = shape.diskMib * 2 ** 20;
    await makeBaseDisk(tree, draft.layers[0]!, { bytes, builtAt, scratch: join(scratch, 'disk'), ...abortable });
    await rm(tree, { recursive: true });
    onProgress?.('kernel');
    const [kernel, initrd] = [join(scratch, 'vmlinux'), join(scratch, 'initrd.cpio')];
    const { vmlinux, modules } = await readKernelFiles(inputs.kernel, join(scratch, 'kernel'), signal);
    await writeFile(kernel, vmlinux);
    await writeFile(initrd, makeInitrd(relayProgram(), modules));
    await bootAndSave(draft, { kernel, initrd, top: join(scratch, 'top') }, shape, options);
    const { conditions, key, about } = inputs;
    const stock = shape.initOnFree ? {} : { stockKernel: true as const };
    const made = {
      kind: 'base',
      key,
      about,
      conditions,
      diskBytes: bytes,
      base: null,
      service: null,
      ...stock,
    } as const;
    return await draft.commit(made, signal);
  } finally {
    await draft.discard();
  }
}

/** Boots a VM on the disk of a draft until it answers, and leaves in the draft what it then is. */
async function bootAndSave(
  draft: VmImageDraft,
  files: { readonly kernel: string; readonly initrd: string; readonly top: string },
  { memoryMib, vcpus, diskMib, initOnFree }: BaseVmShape,
  { accelerator, signal, onProgress }: Building,
): Promise<void> {
  onProgress?.('boot');
  const layer = draft.layers[0]!;
  await writeFile(files.top, '', { mode: 0o600 });
  const vm = await bootVm({
    id: randomUUID(),
    ...{ kernel: files.kernel, initrd: files.initrd, initOnFree, bootMs: BOOT_MS },
    shape: { accelerator, memoryMib, vcpus },
    disk: {
      layers: [{ path: layer, format: 'raw' }],
      bytes: diskMib * 2 ** 20,
      growthBytes: BOOT_GROWTH_BYTES,
      top: files.top,
    },
    template: { memory: draft.memory, saved: draft.state },
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const job = { command: 'apt-get --version > /dev/null', ...(signal === undefined ? {} : { signal }) };
    const status = await vm.relay.run(job);
    if (status !== 0) throw new Error(`expected it to run apt-get, which ended with ${status}`);
    onProgress?.('save');
    await vm.quiesce(signal);
    await vm.save();
  } finally {
    await vm.close();
  }
  await flatten(layer, files.top, signal);
  await digHoles(layer);
}

/** What fails otherwise than by a code of the table is the computer's fault, and said so. */
async function orUnavailable<T>(make: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await make();
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof CloudletError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new CloudletError('sandbox-unavailable', `the base VM could not be built: ${reason}`, { cause: error });
  }
}
