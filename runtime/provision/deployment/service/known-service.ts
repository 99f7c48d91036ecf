import type { Digest, FunctionName } from '../../../../guest-sdk/protocol/index.ts';
import type { VmImage } from '../../../vm/image/index.ts';
import { type AdmittedService, publishersOf, type ServicePublishers } from '../../service-publisher.ts';
import type { Rung } from '../rung.ts';
import { serviceWish, type Wish } from '../wish.ts';
import { isServing, type ServiceHall, serveImage } from './serve-image.ts';

/** What is known here of services. */
export interface KnownServiceParts {
  readonly services: ServiceHall;
  readonly publishers: Pick<ServicePublishers, 'admit'>;
  /** A saved VM by its digest; null when it is not here. */
  readonly findImage: (digest: Digest, signal: AbortSignal) => Promise<VmImage | null>;
}

/** The ways to a service that is here: by its name alone, or by the VM image that it is to run from. */
export function knownServiceRungs(parts: KnownServiceParts): Rung<Wish>[] {
  return [runningRung(parts), cachedRung(parts)];
}

/** `running`: a VM that others share serves. */
function runningRung({ services, publishers }: KnownServiceParts): Rung<Wish> {
  return {
    name: 'running',
    offer: async (wish) => {
      const want = knownWish(wish);
      const image = want === null ? undefined : (want.image ?? imageOf(services, want.name));
      if (want === null || image === undefined || !isServing(services, want.name, image)) return null;
      const served = { digest: image, service: specOf(services, want.name), ...admission(services, publishers, wish) };
      return { missing: [], provision: async (context) => serveImage(services, want.name, served, context) };
    },
  };
}

/** `cached`: its VM image is here. */
function cachedRung({ services, publishers, findImage }: KnownServiceParts): Rung<Wish> {
  return {
    name: 'cached',
    offer: async (wish, signal) => {
      const want = knownWish(wish);
      if (want === null) return null;
      const digest = want.image ?? imageOf(services, want.name);
      if (digest === undefined) return { why: 'there is no service of this name' };
      const image = await findImage(digest, signal);
      if (image === null || image.service === null) return { why: `there is no saved service with digest ${digest}` };
      // What a name's own record says holds: it may have been given other limits than its image has.
      const service = imageOf(services, want.name) === digest ? specOf(services, want.name) : image.service;
      const served = { digest, service, ...admission(services, publishers, wish) };
      return { missing: [], provision: (context) => serveImage(services, want.name, served, context) };
    },
  };
}

/** A wish for a service by its name, or by its image; null for another. */
function knownWish(wish: Wish): { readonly name: FunctionName; readonly image: Digest | undefined } | null {
  const want = serviceWish(wish);
  if (want === null) return null;
  const isByName = want.overlay === undefined && want.recipe === undefined && want.from === undefined;
  return want.image === undefined && !isByName ? null : { name: want.service, image: want.image };
}

/** Whether an image that is named may have the name: by who signed it where it is a service's already, or the store entry that names it. What a name has it keeps. */
function admission(
  services: Pick<ServiceHall, 'list'>,
  publishers: KnownServiceParts['publishers'],
  wish: Wish,
): { readonly admitted?: AdmittedService } {
  const want = knownWish(wish);
  if (want?.image === undefined || imageOf(services, want.name) === want.image) return {};
  const signers = publishersOf(services, want.image);
  return {
    admitted: publishers.admit(
      want.name,
      wish.vouchedBy === undefined ? signers : [...signers, wish.vouchedBy],
      want.image,
    ),
  };
}

function imageOf(services: Pick<ServiceHall, 'list'>, name: FunctionName): Digest | undefined {
  return services.list().find((each) => each.name === name)?.image as Digest | undefined;
}

function specOf(services: Pick<ServiceHall, 'list'>, name: FunctionName): VmImage['service'] {
  return services.list().find((each) => each.name === name)?.spec ?? null;
}
