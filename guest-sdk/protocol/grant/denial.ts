import type { GrantRequest } from './grant.ts';

/** What a grant may say that a function imports and is not to have. */
export const DENIABLE = ['http', 'sockets', 'configuration', 'keyvalue', 'blobs'] as const;
export type Deniable = (typeof DENIABLE)[number];

/** Whether a grant says anything of it, be it that there is none: who wrote that knows. */
export function isStated(request: GrantRequest, what: Deniable): boolean {
  if (what === 'keyvalue' || what === 'blobs') return request.stores?.[what] !== undefined;
  return request[what] !== undefined;
}

/** A grant that says of each of these that there is none. What it gives already stays. */
export function denying(request: GrantRequest, denied: readonly Deniable[]): GrantRequest {
  const stores = denied.filter((what) => what === 'keyvalue' || what === 'blobs');
  const noStores = Object.fromEntries(stores.map((what) => [what, { bytes: 0 }]));
  return {
    ...(denied.includes('http') ? { http: [] } : {}),
    ...(denied.includes('sockets') ? { sockets: {} } : {}),
    ...(denied.includes('configuration') ? { configuration: {} } : {}),
    ...request,
    ...(stores.length === 0 ? {} : { stores: { ...noStores, ...request.stores } }),
  };
}
