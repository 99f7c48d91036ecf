import type { FunctionName } from '../../guest-sdk/protocol/index.ts';
import type { HostPolicy } from '../grant/index.ts';
import type { ServiceTable } from '../store/index.ts';
import type { ServiceObserver } from './service-observer.ts';
import type { ServiceWorld } from './service-world.ts';

/** What all services of a cloudlet may take. */
export interface ServicesLimits {
  /** Service VMs at once. */
  readonly vms: number;
  /** Their private memory together, bytes. */
  readonly bytes: number;
  /** Log that is kept of each service, bytes. */
  readonly logBytes: number;
  /** How long a request may go on without a byte in either direction, milliseconds. */
  readonly quietMs: number;
}

/** What services are made of. */
export interface ServicesOptions {
  readonly records: Pick<ServiceTable, 'list' | 'find' | 'put' | 'remove' | 'usesImage'>;
  readonly world: ServiceWorld;
  /** What a cloudlet lets its guests reach, functions and services alike. */
  readonly policy: Pick<HostPolicy, 'http' | 'privateNetworks'>;
  readonly limits?: Partial<ServicesLimits>;
  /** Address on which raw ports are opened; default 127.0.0.1. */
  readonly bind?: string;
  readonly observer?: ServiceObserver;
  /** Told when what `list` gives has changed. */
  readonly changed?: (name: FunctionName) => void;
}

/** Options with nothing left out. */
export interface CompleteServicesOptions extends Required<ServicesOptions> {
  readonly limits: ServicesLimits;
}

/** The part of what is free when a cloudlet opens that its service VMs may take; sandboxes have a bound of their own. */
const MEMORY_SHARE = 0.5;

/** A server that works for ten minutes without a word is one that hangs; under emulation five can be honest. */
const QUIET_MS = 600_000;

/** Puts the defaults in. */
export function completeServices(options: ServicesOptions): CompleteServicesOptions {
  return {
    bind: '127.0.0.1',
    observer: {},
    changed: () => undefined,
    ...options,
    limits: {
      ...{ vms: 16, bytes: process.availableMemory() * MEMORY_SHARE, logBytes: 256 * 1024, quietMs: QUIET_MS },
      ...options.limits,
    },
  };
}
