import type { ChangeFeed } from './change-feed.ts';
import type { CloudletParts } from './cloudlet-parts.ts';
import { Services } from './service/index.ts';

/** What callers do with services. */
export type ServiceDesk = { readonly [K in Exclude<keyof Services, 'close' | 'reserve'>]: Services[K] };

/** The services of a cloudlet. */
export function openServices({ data, vms, policy, limits, bind, observer }: CloudletParts, feed: ChangeFeed): Services {
  return new Services({
    records: data.registry.services,
    world: vms.world,
    limits: limits.services,
    ...{ policy, bind, observer },
    changed: () => feed.emit({ kind: 'services' }),
  });
}
