import { type FunctionName, hexOf } from '../../../guest-sdk/protocol/index.ts';
import type { HostPolicy } from '../../grant/index.ts';
import type { Accelerator } from '../../machine/index.ts';
import type { Services } from '../../service/index.ts';
import type { VmImage, VmImageStore } from '../../vm/image/index.ts';
import type { RestoreVmOptions, StartedVm } from '../../vm/machine/vm-options.ts';
import { NOBODY, type Provisioned, type RungContext } from '../deployment/rung.ts';
import { serveImage } from '../deployment/service/serve-image.ts';
import type { AdmittedService, ServicePublishers } from '../service-publisher.ts';
import type { ReadManifest } from './overlay-manifest.ts';
import type { BlankVms } from './synthesis/blank-vms.ts';
import { type Synthesis, synthesize } from './synthesis/synthesize.ts';

/** What overlays are provisioned with. */
export interface OverlayRungParts {
  readonly images: VmImageStore;
  readonly services: Pick<Services, 'adopt' | 'put' | 'start' | 'list' | 'remove'>;
  readonly accelerator: () => Promise<Accelerator>;
  readonly restore: (options: RestoreVmOptions) => Promise<StartedVm>;
  /** Keeps a VM waiting for the next one; null: each begins its own. */
  readonly blanks?: BlankVms | null;
  readonly publishers: Pick<ServicePublishers, 'admitDocument'>;
  /** Where overlays may be fetched from. */
  readonly policy: Pick<HostPolicy, 'http' | 'privateNetworks'>;
}

/** A service, and the overlay that it is to come from. */
export interface OverlaidService {
  readonly name: FunctionName;
  readonly overlay: ReadManifest;
}

/** One that may have the name. */
export interface AdmittedOverlay extends OverlaidService {
  readonly admitted: AdmittedService;
}

/**
 * The VM serves under its name as soon as its server answers, while the rest of it comes; the act is over when all of it is here, and the next start is
 * one of a cached VM.
 */
export async function synthesizeService(
  { images, services, accelerator, restore, blanks = null }: OverlayRungParts,
  { name, overlay, admitted }: AdmittedOverlay,
  { parts, report, signal, user = NOBODY }: RungContext,
): Promise<Provisioned> {
  const { manifest, digest } = overlay;
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const served = Promise.withResolvers<void>();
  const begun: { synthesis?: Synthesis; failure?: unknown; serving?: boolean } = {};
  const open = async (ending: AbortSignal): Promise<StartedVm> => {
    const give = () => stop.abort(ending.reason);
    ending.addEventListener('abort', give, { once: true });
    try {
      begun.synthesis = await synthesize({
        ...{ overlay, images, parts, restore, signal: both, served: served.promise },
        ...(blanks === null ? {} : { blanks }),
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
    await services.adopt(name, adopted, { user, signal: both });
    served.resolve();
    begun.serving = true;
    report({ stage: 'serving' });
    const image = await begun.synthesis!.image;
    report({ stage: 'serving', digest: image.digest });
    admitted.settle(image.digest);
    services.put(name, image.digest, manifest.service, { adoptedAs: digest, publisher: admitted.publisher });
    if (blanks !== null)
      void images.find(manifest.base).then(
        (base) => base && blanks.prepareSoon(base),
        () => null,
      );
    return provisioned(name, image);
  } catch (error) {
    stop.abort(error);
    served.resolve();
    await begun.synthesis?.image.catch(() => undefined); // It has cleared up after itself then.
    signal.throwIfAborted();
    throw begun.failure ?? error;
  }
}

/** Serves from what the overlay came to when it was applied here before. */
export function startMade(
  services: OverlayRungParts['services'],
  { name, overlay, admitted }: AdmittedOverlay,
  { digest }: VmImage,
  context: RungContext,
): Promise<Provisioned> {
  return serveImage(services, name, { digest, service: overlay.manifest.service, admitted }, context);
}

/** What an overlay came to here; null when it was not applied yet. */
export function madeOf({ digest }: ReadManifest, images: VmImageStore, signal: AbortSignal): Promise<VmImage | null> {
  return images.findMade('service', hexOf(digest), signal);
}

/** That the service is there. */
export function provisioned(name: FunctionName, { digest }: VmImage): Provisioned {
  return { kind: 'service', name, address: `/s/${name}/`, digest };
}
