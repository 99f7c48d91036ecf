import { asCloudletError, type ServiceVmInfo, type ServiceWish } from '../../../guest-sdk/protocol/index.ts';
import type { Offer, Rung } from '../deployment/rung.ts';
import { serviceWish, type Wish } from '../deployment/wish.ts';
import { publishersOf } from '../service-publisher.ts';
import {
  madeOf,
  type OverlaidService,
  type OverlayRungParts,
  provisioned,
  startMade,
  synthesizeService,
} from './overlaid-service.ts';
import { type ReadManifest, readOverlayManifest } from './overlay-manifest.ts';
import { pulledOverlay } from './pulled/pulled-overlay.ts';
import { expectOverlayFits } from './synthesis/overlay-fits.ts';

export type { OverlayRungParts } from './overlaid-service.ts';

/** The ways to a service of which a device has the overlay. */
export function overlayRungs(parts: OverlayRungParts): Rung<Wish>[] {
  return [runningOverlay(parts), cachedOverlay(parts), pulledOverlay(parts), synthesizedOverlay(parts)];
}

/** `running`: the service is of this overlay, and a VM of it serves. */
function runningOverlay({ images, services, publishers }: OverlayRungParts): Rung<Wish> {
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
      if (!isRunning || image === null) return null;
      // A signature may come after what it is of.
      const made = publishersOf(services, image.digest);
      const { publisher } = await publishers.admitDocument(asked.name, asked.overlay.signed, wish, made);
      if (publisher !== null && service.publisher !== publisher) return null;
      return { missing: [], provision: async () => provisioned(asked.name, image) };
    },
  };
}

/** `cached`: the overlay was applied here before. */
function cachedOverlay({ images, services, publishers }: OverlayRungParts): Rung<Wish> {
  return {
    name: 'cached',
    offer: async (wish, signal) => {
      const asked = overlayWish(wish);
      if (asked === null) return null;
      const image = await madeOf(asked.overlay, images, signal);
      if (image === null) return { why: 'the overlay was not applied here before' };
      const made = publishersOf(services, image.digest);
      const admitted = await publishers.admitDocument(asked.name, asked.overlay.signed, wish, made);
      return { missing: [], provision: (context) => startMade(services, { ...asked, admitted }, image, context) };
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
      const admitted = await parts.publishers.admitDocument(asked.name, asked.overlay.signed, wish);
      const fits = await expectOverlayFits(manifest, parts.images, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        return { why: asCloudletError(error).message };
      });
      if ('why' in fits) return fits;
      await fits.release();
      const missing = manifest.segments.map(({ digest, bytes }) => ({ digest, bytes }));
      return { missing, provision: (context) => synthesizeService(parts, { ...asked, admitted }, context) };
    },
  };
}

/** What a wish has of an overlay; null when it is for something else. `overlay-refused` when its manifest cannot be read. */
function overlayWish(wish: Wish): OverlaidService | null {
  const want: ServiceWish | null = serviceWish(wish);
  if (want?.overlay === undefined) return null;
  // Each way asks, and reading a long one takes some tens of milliseconds.
  const overlay = READ.get(want.overlay) ?? readOverlayManifest(JSON.stringify(want.overlay));
  READ.set(want.overlay, overlay);
  return { name: want.service, overlay };
}

const READ = new WeakMap<object, ReadManifest>();
