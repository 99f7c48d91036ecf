export type { EnteredVm } from './entered-vm.ts';
export { FairPlaces } from './fair-places.ts';
export { HOP_BY_HOP } from './forwarded-fields.ts';
export type { HeaderField, ServiceAnswer, ServiceRequest } from './http-exchange.ts';
export {
  type OutboundOutcome,
  type OutboundProxy,
  type OutboundProxyOptions,
  openOutboundProxy,
} from './outbound-proxy.ts';
export { type ProbeOptions, probeService } from './probe.ts';
export { joinStreams } from './raw-port.ts';
export type { ServiceLogOptions } from './service-log.ts';
export {
  SERVICE_STARTS,
  type ServiceObserver,
  type ServiceStart,
  VM_END_CAUSES,
  type VmEndCause,
} from './service-observer.ts';
export type { CloneOptions, ServiceWorld } from './service-world.ts';
export { type AdoptedVm, type ServiceCaller, type ServiceReply, Services } from './services.ts';
export type { ServicesLimits, ServicesOptions } from './services-options.ts';
