import * as v from 'valibot';
import { CloudletError, type FunctionName, type ServiceInfo, ServiceSpec } from '../../guest-sdk/protocol/index.ts';
import type { ServiceHall } from '../../runtime/provision/deployment/service/serve-image.ts';

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

  put: ServiceHall['put'] = (name, image, spec) => {
    const before = this.#services.get(name);
    const info = {
      name,
      address: `/s/${name}/`,
      image,
      spec: v.parse(ServiceSpec, spec),
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
