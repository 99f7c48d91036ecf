import * as v from 'valibot';
import { ServiceSpec } from './service.ts';

/** Where a service VM is in its life; `failed`: it did not begin to serve, or ended by itself. */
export const ServiceVmState = v.picklist(['starting', 'ready', 'stopping', 'gone', 'failed']);
export type ServiceVmState = v.InferOutput<typeof ServiceVmState>;

/** One VM in which a service runs. */
export const ServiceVmInfo = v.object({
  id: v.string(),
  state: ServiceVmState,
  /** `shared`: whoever joins the service uses it; `own`: only who started it, and whoever names its id. */
  mode: v.picklist(['shared', 'own']),
  /** Digest of the VM image that it was cloned from. */
  image: v.string(),
  /** Sessions and devices that used it within its lease. */
  users: v.number(),
  /** Connections into it. */
  connections: v.number(),
  startedAt: v.string(),
  /** Until the server answered its probe, milliseconds; null while it starts. */
  startMs: v.nullable(v.number()),
  /** When it ends unless it is used or renewed; null while it starts. */
  expiresAt: v.nullable(v.string()),
  /** Memory that would be free without it, as measured last, bytes. */
  privateBytes: v.number(),
  pid: v.nullable(v.number()),
  /** Port of this computer that leads to its server's, where one was asked for. */
  port: v.nullable(v.number()),
});
export type ServiceVmInfo = v.InferOutput<typeof ServiceVmInfo>;

/** A native server under a name, and the VMs in which it runs. */
export const ServiceInfo = v.object({
  name: v.string(),
  /** Path on this cloudlet: `/s/{name}/`. */
  address: v.string(),
  /** Digest of the VM image that its VMs are cloned from. */
  image: v.string(),
  spec: ServiceSpec,
  /** Fingerprint of the key that its overlay, its recipe or its store entry was signed with; null when nobody signed it. */
  publisher: v.optional(v.nullable(v.string()), null),
  /** RFC 3339 time at which the name got this image. */
  changedAt: v.string(),
  vms: v.array(ServiceVmInfo),
  /** Why its last VM failed; absent when none did since the host started. */
  failure: v.optional(v.object({ at: v.string(), code: v.string(), detail: v.string() })),
});
export type ServiceInfo = v.InferOutput<typeof ServiceInfo>;

/** All services, by name. */
export const ServiceList = v.object({ services: v.array(ServiceInfo) });

/** How a service is started. */
export const ServiceStartRequest = v.strictObject({
  /** `join`: the VM that others share, which is started when there is none; `own`: another one. */
  mode: v.optional(v.picklist(['join', 'own']), 'join'),
  /** Whether a port of this computer shall lead to the server's, for protocols other than HTTP. It asks nobody who he is. */
  port: v.optional(v.boolean(), false),
});
export type ServiceStartRequest = v.InferOutput<typeof ServiceStartRequest>;

/** Which VM of a service is meant; to stop: all when left out, to renew: the one that the caller uses. */
export const ServiceVmRequest = v.strictObject({ vm: v.optional(v.pipe(v.string(), v.maxLength(64))) });
export type ServiceVmRequest = v.InferOutput<typeof ServiceVmRequest>;

/** What all service VMs take together, and may. */
export const ServicesStatus = v.object({
  known: v.number(),
  vms: v.number(),
  /** VMs at once. */
  vmLimit: v.number(),
  /** Their private memory as measured last, bytes. */
  bytes: v.number(),
  limitBytes: v.number(),
});
export type ServicesStatus = v.InferOutput<typeof ServicesStatus>;
