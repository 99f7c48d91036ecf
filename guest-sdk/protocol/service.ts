import * as v from 'valibot';
import { HttpHosts } from './grant/index.ts';

/** How it is found out that a server serves: by a request through the same way that callers take. */
export const ServiceProbe = v.strictObject({
  /** Path of the HTTP request; a service of `protocol` tcp is connected to, and read from when `text` is given. */
  path: v.optional(v.pipe(v.string(), v.startsWith('/'), v.maxLength(1024)), '/'),
  /** The status that it must answer with; any below 500 when left out. */
  status: v.optional(v.pipe(v.number(), v.integer(), v.minValue(100), v.maxValue(599))),
  /** What the first 64 KiB of the answer must contain. */
  text: v.optional(v.pipe(v.string(), v.maxLength(1024))),
});
export type ServiceProbe = v.InferOutput<typeof ServiceProbe>;

/** What a service VM may take. */
export const ServiceLimits = v.strictObject({
  /** What its disk may grow by, MiB. */
  diskMib: v.optional(v.pipe(v.number(), v.integer(), v.minValue(16), v.maxValue(65_536)), 1024),
  /** Share of one processor, 1 is a whole one. */
  cpus: v.optional(v.pipe(v.number(), v.minValue(0.05), v.maxValue(16)), 1),
  /** How long a service VM lives after its last use or renewal, seconds. */
  leaseS: v.optional(v.pipe(v.number(), v.integer(), v.minValue(10), v.maxValue(604_800)), 600),
  /** Connections into it at once. */
  connections: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1024)), 128),
});
export type ServiceLimits = v.InferOutput<typeof ServiceLimits>;

/** A native server, as whoever makes it describes it. */
export const ServiceSpec = v.strictObject({
  /** Shell command that runs the server in the foreground, as root of its own VM. */
  run: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)),
  /** Port of the VM's loopback on which it listens. */
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  protocol: v.optional(v.picklist(['http', 'tcp']), 'http'),
  probe: v.optional(ServiceProbe, {}),
  /** How long it may take until the probe succeeds; then it is `not-ready`. Milliseconds. */
  readyMs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(100), v.maxValue(600_000)), 60_000),
  /** Hosts that it may reach through its HTTP proxy, as in a grant: `api.example.org`, `*.example.org:8443`. None by default. */
  outbound: v.optional(v.pipe(HttpHosts, v.maxLength(64)), []),
  limits: v.optional(ServiceLimits, {}),
});
export type ServiceSpec = v.InferOutput<typeof ServiceSpec>;
