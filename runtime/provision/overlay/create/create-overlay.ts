import { randomBytes } from 'node:crypto';
import { CloudletError, type Recipe } from '../../../../guest-sdk/protocol/index.ts';
import type { HostPolicy } from '../../../grant/index.ts';
import type { Accelerator } from '../../../machine/index.ts';
import { type Clock, systemClock } from '../../../sandbox/clock.ts';
import { probeService } from '../../../service/index.ts';
import type { VmImage, VmImageStore } from '../../../vm/image/index.ts';
import { restoreVm } from '../../../vm/machine/restore-vm.ts';
import type { PartSource, RungProgress } from '../../deployment/rung.ts';
import { PRINT_SOURCES, sourceHosts } from '../../recipe/apt.ts';
import { holdBase } from '../../recipe/hold-base.ts';
import { openMirrors } from '../../recipe/mirrors.ts';
import { Recipes } from '../../recipe/recipes.ts';
import { startServer } from '../../recipe/serve.ts';
import { runStep, type StepContext } from '../../recipe/step.ts';
import { openWorkshop } from '../../recipe/vm-workshop.ts';
import type { RecipeWorld } from '../../recipe/workshop.ts';
import { type MadeOverlay, type OverlayOfOptions, overlayOf } from './overlay-of.ts';
import type { ProbeVm } from './record-touches.ts';

/** A person at a terminal, who installs by hand. */
export interface InstallSession {
  /** Lines that the shell in the VM reads; at its end what is there is kept. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly output: (bytes: Uint8Array) => void;
}

/** How an overlay is made from nothing but its base. */
export interface CreateOverlayOptions
  extends Pick<OverlayOfOptions, 'path' | 'about' | 'level' | 'segmentPages' | 'signal'> {
  readonly images: VmImageStore;
  readonly accelerator: Accelerator;
  /** What is installed, and the server that then runs. */
  readonly recipe: Recipe;
  /** Where files of the recipe come from that are no texts. */
  readonly parts?: PartSource;
  /** Installs more, after the recipe's packages and script; what comes of it is not found again. */
  readonly session?: InstallSession;
  /** What the server may reach while it starts. */
  readonly policy: Pick<HostPolicy, 'http' | 'privateNetworks'>;
  /** Told how far it is: the steps of a recipe, then those of the overlay. */
  readonly report?: (progress: RungProgress) => void;
  readonly clock?: Clock;
}

const MIB = 1024 ** 2;

/**
 * Installs something on a copy of a base VM, starts the server, saves the VM, and writes the difference as one file. The saved VM stays in the store, as a
 * recipe's would: at another level, or for this cloudlet itself, nothing is installed again. Fails as recipes do; nothing is left then.
 */
export async function createOverlay(options: CreateOverlayOptions): Promise<MadeOverlay> {
  const { images, report = () => undefined, signal } = options;
  const image = await (options.session === undefined ? byRecipe(options) : byHand(options, options.session));
  const held = await images.hold(image.digest, signal);
  if (held === null)
    throw new CloudletError('storage-corrupt', `the saved VM ${image.digest} was removed just now; make it again`);
  try {
    return await overlayOf({
      ...{ accelerator: options.accelerator, images, restore: restoreVm, probe: probeVm },
      ...{ image, about: options.about, path: options.path, signal },
      ...(options.level === undefined ? {} : { level: options.level }),
      ...(options.segmentPages === undefined ? {} : { segmentPages: options.segmentPages }),
      onProgress: (stage, bytesDone, bytesTotal) => report({ stage, bytesDone, bytesTotal }),
    });
  } finally {
    await held.release();
  }
}

/** Asks a server in a VM as its callers will. */
export const probeVm: ProbeVm = (vm, spec, signal) =>
  probeService({ spec, connect: (attempt) => vm.relay.connect(spec.port, attempt), clock: systemClock, signal });

async function byRecipe({
  accelerator,
  images,
  recipe,
  policy,
  report = () => undefined,
  signal,
  clock,
  parts = NO_PARTS,
}: CreateOverlayOptions): Promise<VmImage> {
  const world: RecipeWorld = {
    holdBase: (base, ending) => holdBase(images, base, ending),
    open: (base, growthBytes, ending) => openWorkshop({ images, accelerator }, base, growthBytes, ending),
    findMade: (key, ending) => images.findMade('service', key, ending),
  };
  // Versions of packages are looked up each time: whoever makes an overlay wants what there is now.
  const remembered = { find: async () => null, remember: async () => undefined };
  const recipes = new Recipes({ world, remembered, policy, ...(clock === undefined ? {} : { clock }) });
  const { image } = await recipes.make(recipe, { parts, report, signal });
  return image;
}

/** As a recipe, with a person in place of its files. */
async function byHand(
  { images, accelerator, recipe, report = () => undefined, signal, about, clock = systemClock }: CreateOverlayOptions,
  session: InstallSession,
): Promise<VmImage> {
  const base = await holdBase(images, recipe.base, signal);
  try {
    const workshop = await openWorkshop(
      { images, accelerator },
      base.image,
      recipe.service.limits.diskMib * MIB,
      signal,
    );
    try {
      const { vm } = workshop;
      const context: StepContext = { relay: vm.relay, say: (log) => report({ stage: 'script', log }), clock, signal };
      const sources = await runStep('update', { command: PRINT_SOURCES }, context, 64 * 1024);
      const mirrors = await openMirrors(sourceHosts(sources), { vm, say: context.say, signal });
      try {
        report({ stage: 'script' });
        // Whatever its status is: the last thing that a person tried may have failed.
        await vm.relay.run({ command: 'cd /root; exec /bin/sh -i 2>&1', ...session, signal });
      } finally {
        mirrors.close();
      }
      await startServer(vm, recipe.service, context, (stage) => report({ stage }));
      report({ stage: 'save' });
      const key = randomBytes(32).toString('hex');
      return await workshop.save({ key, about, service: recipe.service }, signal);
    } finally {
      await workshop.close();
    }
  } finally {
    await base.release();
  }
}

const NO_PARTS: PartSource = {
  get: (part) =>
    Promise.reject(
      new CloudletError('request-invalid', `expected files as texts, got one as part ${part}: it is not at hand here`),
    ),
};
