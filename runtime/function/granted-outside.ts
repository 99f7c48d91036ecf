import type { FunctionName } from '../../guest-sdk/protocol/index.ts';
import type { HostPolicy } from '../grant/index.ts';
import { ConnectionBudget } from '../outside/network/connection-budget.ts';
import { type Network, type NetworkWorld, openNetwork } from '../outside/network/network.ts';
import type { OutsideServices } from '../outside/outside-service.ts';
import type { Stores } from '../outside/stores.ts';
import type { GrantedVersion } from './function-version.ts';

/** The networks of a function's versions, which have its connections together. */
interface FunctionNetworks {
  readonly budget: ConnectionBudget;
  /** By version: a name that is published anew counts its versions again, so the digest is in the key. */
  readonly opened: Map<string, Network>;
}

/** What versions may ask of the host by their grants: stores, and a network that is opened when a version first runs. */
export class GrantedOutside {
  readonly #policy: Pick<HostPolicy, 'privateNetworks'>;
  readonly #world: NetworkWorld;
  readonly #networks = new Map<FunctionName, FunctionNetworks>();

  constructor(policy: Pick<HostPolicy, 'privateNetworks'>, world: NetworkWorld = {}) {
    this.#policy = policy;
    this.#world = world;
  }

  /** The services of a version. */
  readonly services = (version: GrantedVersion, stores: Stores): OutsideServices => ({
    ...stores.services(version.name, version.grant.stores),
    ...this.#networkOf(version)?.services,
  });

  /** A function is gone: ends its connections. */
  forget(name: FunctionName): void {
    for (const network of this.#networks.get(name)?.opened.values() ?? []) network.close();
    this.#networks.delete(name);
  }

  /** Ends all connections. */
  close(): void {
    for (const name of [...this.#networks.keys()]) this.forget(name);
  }

  #networkOf({ name, version, digest, grant }: GrantedVersion): Network | null {
    const { tcp, udp, lookup, listen } = grant.sockets;
    const hasSockets = tcp.length + udp.length > 0 || lookup || listen;
    if (grant.http.length === 0 && !hasSockets) return null;
    const { connections } = grant.limits;
    const { budget, opened } = this.#networks.get(name) ?? {
      budget: new ConnectionBudget(connections),
      opened: new Map(),
    };
    this.#networks.set(name, { budget, opened });
    // That of the version which asks last.
    budget.limit = connections;
    const key = `${version} ${digest}`;
    let network = opened.get(key);
    if (network === undefined) {
      network = openNetwork(
        {
          allowedHosts: grant.http,
          allowedRanges: this.#policy.privateNetworks,
          ...(hasSockets ? { sockets: grant.sockets } : {}),
          connections: budget,
        },
        this.#world,
      );
      opened.set(key, network);
    }
    return network;
  }
}
