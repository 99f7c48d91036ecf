import { type FunctionName, PinnedPublisherList } from '../protocol/index.ts';
import type { HostAddress } from './request.ts';
import { readWhole } from './transport.ts';

/** Whose the names of a cloudlet's functions are. */
export interface PublishersClient {
  /** Names that belong to a key, and what the policy asks for. */
  readonly list: (signal?: AbortSignal) => Promise<PinnedPublisherList>;
  /** Makes a name a key's, by its fingerprint. */
  readonly accept: (name: FunctionName, fingerprint: string, signal?: AbortSignal) => Promise<void>;
  /** Makes a name nobody's. */
  readonly forget: (name: FunctionName, signal?: AbortSignal) => Promise<void>;
}

/** The publishers of the cloudlet at an address. */
export function publishersClient(host: HostAddress): PublishersClient {
  const at = (name: FunctionName) => `/v1/functions/${name}/publisher`;
  const done = async (request: Parameters<HostAddress['send']>[0]) => {
    await readWhole((await host.send(request)).body, 0);
  };
  return {
    list: (signal) => host.json(PinnedPublisherList, { path: '/v1/function-publishers', signal }),
    accept: (name, fingerprint, signal) => done({ method: 'PUT', path: at(name), json: { fingerprint }, signal }),
    forget: (name, signal) => done({ method: 'DELETE', path: at(name), signal }),
  };
}
