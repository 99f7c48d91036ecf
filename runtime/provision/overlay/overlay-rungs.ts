import {
  asCloudletError,
  type FunctionName,
  hexOf,
  type ServiceVmInfo,
  type ServiceWish,
} from '../../../guest-sdk/protocol/index.ts';
import type { Accelerator } from '../../machine/index.ts';
import type { Services } from '../../service/index.ts';
import type { VmImage, VmImageStore } from '../../vm/image/index.ts';
import type { RestoreVmOptions, StartedVm } from '../../vm/machine/vm-options.ts';
import type { Offer, Provisioned, Rung, RungContext } from '../deployment/rung.ts';
import { serveImage } from '../deployment/service/serve-image.ts';
import { serviceWish, type Wish } from '../deployment/wish.ts';
import { type ReadManifest, readOverlayManifest } from './overlay-manifest.ts';
import { expectOverlayFits } from './synthesis/overlay-fits.ts';
import { type Synthesis, synthesize } from './synthesis/synthesize.ts';

/** What overlays are provisioned with. */
export interface OverlayRungParts {
  readonly images: VmImageStore;
  readonly services: Pick<Services, 'adopt' | 'put' | 'start' | 'list' | 'remove'>;
  readonly accelerator: () => Promise<Accelerator>;
  readonly restore: (options: RestoreVmOptions) => Promise<StartedVm>;
}

/** In whose name a VM is started that nobody has used yet. */
const USER = 'deployment';

/** The ways to a service of which a device has the overlay. */
export function overlayRungs(parts: OverlayRungParts): Rung<Wish>[] {
  return [runningOverlay(parts), cachedOverlay(parts), synthesizedOverlay(parts)];
}

/** `running`: the service is of this overlay, and a VM of it serves. */
function runningOverlay({ images, services }: OverlayRungParts): Rung<Wish> {
  return {
    name: 'running',
    offer: async (wish, signal) => {
      const asked = overlayWish(wish);
      if (asked === null) return null;
      const image = await madeOf(asked.overlay, images, signal);
      const service = services.list().find(({ name }) => name === asked.name);
      // The VM that was synthesized is of the overlay, its clones are of the image that came of it; others are of what the name had before.
      const isOfIt = (vm: ServiceVmInfo): boolean => vm.image === image?.digest || vm.image === asked.overlay.digest;
      const isRunning =
        service?.image === image?.digest &&
        service?.vms.some((vm) => vm.state === 'ready' && vm.mode === 'shared' && isOfIt(vm)) === true;
      return isRunning && image !== null
        ? { missing: [], provision: async () => provisioned(asked.name, image) }
        : null;
    },
  };
}

/** `cached`: the overlay was applied here before. */
function cachedOverlay({ images, services }: OverlayRungParts): Rung<Wish> {
  return {
    name: 'cached',
    offer: async (wish, signal) => {
      const asked = overlayWish(wish);
      if (asked === null) return null;
      const image = await madeOf(asked.overlay, images, signal);
      if (image === null) return { why: 'the overlay was not applied here before' };
      return {
        missing: [],
        provision: (context) =>
          serveImage(services, asked.name, { digest: image.digest, service: asked.overlay.manifest.service }, context),
      };
    },
  };
}

/** `overlay`: synthesis, of segments that the device sends. */
function synthesizedOverlay(parts: OverlayRungParts): Rung<Wish> {
  return {
    name: 'overlay',
    offer: async (wish, signal): Promise<Offer | { readonly why: string } | null> => {
      const asked = overlayWish(wish);
      if (asked === null) return null;
      const { manifest } = asked.overlay;
      const fits = await expectOverlayFits(manifest, parts.images, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        return { why: asCloudletError(error).message };
      });
      if ('why' in fits) return fits;
      await fits.release();
      const missing = manifest.segments.map(({ digest, bytes }) => ({ digest, bytes }));
      return { missing, provision: (context) => provision(parts, asked, context) };
    },
  };
}

interface OverlayWish {
  readonly name: FunctionName;
  readonly overlay: ReadManifest;
}

/**
 * The VM serves under its name as soon as its server answers, while the rest of it comes; the act is over when all of it is here, and the next start is
 * one of a cached VM.
 */
async function provision(
  { images, services, accelerator, restore }: OverlayRungParts,
  { name, overlay }: OverlayWish,
  { parts, report, signal }: RungContext,
): Promise<Provisioned> {
  const { manifest, digest } = overlay;
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const begun: { synthesis?: Synthesis; failure?: unknown; serving?: boolean } = {};
  const open = async (ending: AbortSignal): Promise<StartedVm> => {
    const give = () => stop.abort(ending.reason);
    ending.addEventListener('abort', give, { once: true });
    try {
      begun.synthesis = await synthesize({
        ...{ overlay, images, parts, restore, signal: both },
        accelerator: await accelerator(),
        id: `${name}-${hexOf(digest).slice(0, 12)}`,
        report: (progress) => report(begun.serving === true ? { ...progress, stage: 'serving' } : progress),
      });
      return begun.synthesis.vm;
    } catch (error) {
      begun.failure = error;
      throw error;
    } finally {
      // From now on the VM may end before the image is complete.
      ending.removeEventListener('abort', give);
    }
  };
  try {
    const { memoryMib } = manifest.conditions;
    const adopted = { image: digest, spec: manifest.service, memoryMib, via: 'overlay', open } as const;
    await services.adopt(name, adopted, { user: USER, signal: both });
    begun.serving = true;
    report({ stage: 'serving' });
    const image = await begun.synthesis!.image;
    report({ stage: 'serving', digest: image.digest });
    services.put(name, image.digest, manifest.service, digest);
    return provisioned(name, image);
  } catch (error) {
    stop.abort(error);
    await begun.synthesis?.image.catch(() => undefined); // It has cleared up after itself then.
    signal.throwIfAborted();
    throw begun.failure ?? error;
  }
}

/** What a wish has of an overlay; null when it is for something else. `overlay-refused` when its manifest cannot be read. */
function overlayWish(wish: Wish): OverlayWish | null {
  const want: ServiceWish | null = serviceWish(wish);
  if (want?.overlay === undefined) return null;
  // Each way asks, and reading a long one takes some tens of milliseconds.
  const overlay = READ.get(want.overlay) ?? readOverlayManifest(JSON.stringify(want.overlay));
  READ.set(want.overlay, overlay);
  return { name: want.service, overlay };
}

const READ = new WeakMap<object, ReadManifest>();

function madeOf({ digest }: ReadManifest, images: VmImageStore, signal: AbortSignal): Promise<VmImage | null> {
  return images.findMade('service', hexOf(digest), signal);
}

function provisioned(name: FunctionName, { digest }: VmImage): Provisioned {
  return { kind: 'service', name, address: `/s/${name}/`, digest };
}
