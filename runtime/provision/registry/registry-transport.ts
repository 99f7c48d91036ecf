import {
  CloudletError,
  isLoopbackName,
  type RegistryReference,
  registryOrigin,
  type Transport,
} from '../../../guest-sdk/protocol/index.ts';
import type { HostPolicy } from '../../grant/index.ts';
import { addressPolicy } from '../../outside/network/address-policy.ts';
import { type Connector, Dialer, type Resolver } from '../../outside/network/dialer.ts';
import { hostPatterns } from '../../outside/network/host-pattern.ts';
import { type OwnNetworks, systemNetworks } from '../../outside/network/own-networks.ts';
import { answerFrom, bytesOf, destinationOf, unavailable } from '../deployment/function/outside-answer.ts';

/** What a cloudlet may ask of registries. */
export type RegistryRules = Pick<HostPolicy, 'registries' | 'privateNetworks'>;

/** The network as a test has it otherwise. */
export interface RegistryWorld {
  readonly resolver?: Resolver;
  readonly connector?: Connector;
  readonly ownNetworks?: OwnNetworks;
}

/** Whether the policy lets a registry be asked by plain HTTP. One on this computer is asked no other way. */
export function isPlainHttp(reference: RegistryReference, { registries }: RegistryRules): boolean {
  return registries.plainHttp.includes(reference.host) || registryOrigin(reference, false).startsWith('http:');
}

/** Why a cloudlet does not ask a registry, as a clause; null when it may. */
export function registryFault(reference: RegistryReference, rules: RegistryRules): string | null {
  const { hosts } = rules.registries;
  if (hosts === 'none') return 'the policy of this cloudlet (--policy, "registries") lets it pull from none';
  const { destination, scheme } = destinationOf(new URL(registryOrigin(reference, isPlainHttp(reference, rules))));
  if (hosts !== 'any-public' && !hostPatterns(hosts)(destination, scheme))
    return `the policy of this cloudlet (--policy, "registries") does not name ${reference.host}`;
  const isNear = isLoopbackName(new URL(`http://${reference.host}`).hostname);
  return isNear && rules.registries.privateNetworks.length + rules.privateNetworks.length === 0
    ? `${reference.host} is the cloudlet's own computer, which the policy of this cloudlet (--policy, "registries": {"privateNetworks": ["127.0.0.0/8"]}) would have to allow`
    : null;
}

/**
 * How a cloudlet asks a registry: by the rules of what functions ask for, each address anew. The registry itself, and hosts that the policy names, may be on the
 * networks that it names; where else a registry sends us (storage, a token service) must be public, and is asked by https: nothing that a registry
 * says leads to this computer, its neighbours or a cloud's credentials.
 */
export function registryTransport(
  reference: RegistryReference,
  rules: RegistryRules,
  { resolver, connector, ownNetworks = systemNetworks() }: RegistryWorld = {},
): Transport {
  const { hosts, privateNetworks } = rules.registries;
  const { origin } = new URL(registryOrigin(reference, isPlainHttp(reference, rules)));
  const isNamed = hostPatterns(typeof hosts === 'string' ? [] : hosts);
  const dialer = (networks: readonly string[]) => new Dialer(addressPolicy(networks, ownNetworks), resolver, connector);
  const near = dialer([...rules.privateNetworks, ...privateNetworks]);
  const far = dialer([]);
  return async ({ method, url: text, headers, body, signal = new AbortController().signal }) => {
    const url = new URL(text);
    const { destination, scheme } = destinationOf(url);
    const isOwn = url.origin === origin || isNamed(destination, scheme);
    if (!isOwn && scheme === 'http') throw unavailable(url, 'an address of https, since it is not the registry itself');
    if ((method !== 'GET' && method !== 'HEAD') || body !== undefined)
      throw new CloudletError('internal', `expected a registry to be asked for something, got ${method}`);
    const { response, close } = await answerFrom(url, { method, fields: headers }, isOwn ? near : far, signal);
    const field = (name: string): string | null => {
      const value = response.headers[name];
      return value === undefined ? null : typeof value === 'string' ? value : value.join(', ');
    };
    return {
      status: response.statusCode ?? 0,
      header: field,
      trailer: () => null,
      body: {
        async *[Symbol.asyncIterator]() {
          try {
            yield* bytesOf(response, url, signal);
          } finally {
            close();
          }
        },
      },
    };
  };
}
