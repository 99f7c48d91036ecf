import {
  type FunctionName,
  type LogLine,
  ServiceInfo,
  ServiceList,
  type ServiceStartRequest,
  ServiceVmInfo,
} from '../protocol/index.ts';
import { type LogOptions, logLines } from './log-lines.ts';
import type { HostAddress } from './request.ts';
import { readWhole } from './transport.ts';

/** The native servers of a cloudlet. */
export interface ServicesClient {
  readonly list: (signal?: AbortSignal) => Promise<ServiceInfo[]>;
  readonly get: (name: FunctionName, signal?: AbortSignal) => Promise<ServiceInfo>;
  /** A VM that serves: the one that others share, or another one of one's own. */
  readonly start: (
    name: FunctionName,
    options?: Partial<ServiceStartRequest>,
    signal?: AbortSignal,
  ) => Promise<ServiceVmInfo>;
  /** Ends the VM of this id, or all of the service. */
  readonly stop: (name: FunctionName, vm?: string, signal?: AbortSignal) => Promise<void>;
  /** Begins the lease of a VM anew: of this id, or the one that was used last. */
  readonly renew: (name: FunctionName, vm?: string, signal?: AbortSignal) => Promise<ServiceVmInfo>;
  readonly remove: (name: FunctionName, signal?: AbortSignal) => Promise<void>;
  readonly logs: (name: FunctionName, options?: LogOptions) => AsyncGenerator<LogLine>;
}

/** The native servers of the cloudlet at an address. */
export function servicesClient(host: HostAddress): ServicesClient {
  const at = (name: FunctionName): string => `/v1/services/${name}`;
  const meant = (vm: string | undefined): object => (vm === undefined ? {} : { vm });
  return {
    list: async (signal) => (await host.json(ServiceList, { path: '/v1/services', signal })).services,
    get: (name, signal) => host.json(ServiceInfo, { path: at(name), signal }),
    start: (name, options = {}, signal) =>
      host.json(ServiceVmInfo, { method: 'POST', path: `${at(name)}/start`, json: options, signal }),
    stop: async (name, vm, signal) => {
      const response = await host.send({ method: 'POST', path: `${at(name)}/stop`, json: meant(vm), signal });
      await readWhole(response.body, 0);
    },
    renew: (name, vm, signal) =>
      host.json(ServiceVmInfo, { method: 'POST', path: `${at(name)}/renew`, json: meant(vm), signal }),
    remove: async (name, signal) => {
      const response = await host.send({ method: 'DELETE', path: at(name), signal });
      await readWhole(response.body, 0);
    },
    logs: (name, options = {}) => logLines(host, `${at(name)}/logs`, options),
  };
}
