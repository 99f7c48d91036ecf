import * as v from 'valibot';
import {
  CloudletError,
  type Digest,
  type FunctionName,
  type ServiceInfo,
  ServiceSpec,
} from '../../guest-sdk/protocol/index.ts';
import type { ServiceHall } from '../../runtime/provision/deployment/service/serve-image.ts';
import { ServicePublishers, type ServicePublishersOptions } from '../../runtime/provision/service-publisher.ts';
import type { PastService } from '../../runtime/store/index.ts';

/** Services by name, whose VMs are ready as soon as they are started. */
export class ServiceHallLab implements ServiceHall {
  /** `name digest` of each start. */
  readonly started: string[] = [];
  /** Digests whose server never answers. */
  readonly deaf = new Set<string>();
  /** What a start waits for. */
  gate: Promise<void> = Promise.resolve();
  readonly #services = new Map<string, ServiceInfo>();

  list(): ServiceInfo[] {
    return [...this.#services.values()];
  }

  put: ServiceHall['put'] = (name, image, spec, { publisher = null } = {}) => {
    const before = this.#services.get(name);
    const info = {
      name,
      address: `/s/${name}/`,
      image,
      spec: v.parse(ServiceSpec, spec),
      publisher,
      changedAt: '',
      vms: before?.vms ?? [],
    };
    this.#services.set(name, info);
    return info;
  };

  start: ServiceHall['start'] = async (name) => {
    const found = this.#services.get(name)!;
    this.started.push(`${name} ${found.image}`);
    await this.gate;
    if (this.deaf.has(found.image)) throw new CloudletError('not-ready', 'it does not answer');
    const vm = { id: 'vm-1', state: 'ready', mode: 'shared', image: found.image } as ServiceInfo['vms'][number];
    this.#services.set(name, { ...found, vms: [vm] });
    return { vm, via: 'cached', startMs: 1 };
  };

  remove = async (name: FunctionName): Promise<void> => {
    this.#services.delete(name);
  };
}

/** What names were, by `name document`, and are. */
export interface LabPast {
  readonly past?: Map<string, PastService>;
  readonly find?: ServicePublishersOptions['services']['find'];
}

/** Whose services are taken, by this policy; names belong to keys as `pins` says. */
export function labPublishers(
  policy: ServicePublishersOptions['policy'] = 'anyone',
  pins = new Map<string, string>(),
  { past = new Map(), find = () => undefined }: LabPast = {},
): ServicePublishers {
  const names = {
    pinned: (name: string) => pins.get(name),
    pin: (name: string, fingerprint: string) => void pins.set(name, fingerprint),
    forget: (name: string) => pins.delete(name),
  };
  const key = (name: string, digest: Digest) => `${name} ${digest}`;
  const table = {
    find: (name: string, digest: Digest) => past.get(key(name, digest)),
    publisherOf: (name: string, image: Digest) =>
      [...past].find(([each, was]) => each.startsWith(`${name} `) && was.image === image)?.[1].publisher ?? null,
    set: (name: string, digest: Digest, was: PastService | null): void =>
      void (was === null ? past.delete(key(name, digest)) : past.set(key(name, digest), was)),
  };
  return new ServicePublishers({ policy, names, services: { find, past: table } });
}
