/**
 * The shapes that cross HTTP, as schemas: the host validates and documents with them, the library on the device parses with them.
 * Contract: every field here is public; adding one is free, changing one is a new API version.
 */
import * as v from 'valibot';
import { FunctionPublisher } from './function-publisher.ts';
import { Grant } from './grant/index.ts';
import { ServicesStatus } from './service-info.ts';
import { TrafficSplit } from './traffic-split.ts';
import { Use, UseItem } from './use/index.ts';

/** The three ways to call a component. */
export const Door = v.picklist(['call', 'run', 'http']);
export type Door = v.InferOutput<typeof Door>;

/** An exported function as listed: its name in `/call/{export}` and its WIT signature. */
export const ExportInfo = v.object({
  name: v.string(),
  /** The signature as WIT writes it, for people. */
  signature: v.string(),
  interface: v.nullable(v.string()),
  params: v.array(v.object({ name: v.string(), type: v.string() })),
  result: v.nullable(v.string()),
});
export type ExportInfo = v.InferOutput<typeof ExportInfo>;

/** Bytes that are kept for the next invocation, as quotas count them. */
export const StoreUsage = v.object({
  /** Keys and values of `wasi:keyvalue`. */
  keyValueBytes: v.number(),
  /** Objects of `wasi:blobstore`. */
  blobBytes: v.number(),
});
export type StoreUsage = v.InferOutput<typeof StoreUsage>;

/** One version of a function. */
export const VersionInfo = v.object({
  version: v.number(),
  digest: v.string(),
  sizeBytes: v.number(),
  /** RFC 3339 time of publication. */
  publishedAt: v.string(),
});
export type VersionInfo = v.InferOutput<typeof VersionInfo>;

/** A published name. */
export const FunctionInfo = v.object({
  name: v.string(),
  /** The version that calls go to. */
  version: v.number(),
  digest: v.string(),
  sizeBytes: v.number(),
  /** `cold`: no sandbox; `starting`; `ready`: a sandbox is loaded; `failed`: the last sandbox could not be started, see `reason`. */
  state: v.picklist(['cold', 'starting', 'ready', 'failed']),
  reason: v.optional(v.string()),
  doors: v.array(Door),
  exports: v.array(ExportInfo),
  /** Interfaces the component imports, with versions. */
  imports: v.array(v.string()),
  grant: Grant,
  /** What its stores have. */
  stores: StoreUsage,
  /** Where the host's policy grants less than the function asks for. */
  reduced: v.optional(v.array(v.object({ what: v.string(), asked: v.string(), granted: v.string() }))),
  /** Imports that find nothing, because nothing is granted of what they are for. */
  ungranted: v.optional(v.array(v.string())),
  /** Names of the secrets that are set; never their values. */
  secretsSet: v.optional(v.array(v.string())),
  /** What the current version used since the time that is told: its grant item by item, and what was seen. */
  use: v.optional(v.object({ since: v.string(), items: v.array(UseItem), seen: Use })),
  /** Digest of the component, when the version came as a package, whose digest is its manifest's. */
  component: v.optional(v.string()),
  /** Who signed the version; null when nobody did. */
  publisher: v.optional(v.nullable(FunctionPublisher)),
  versions: v.array(VersionInfo),
  /** How calls are shared out among them; absent: all to the current one. */
  split: v.optional(TrafficSplit),
});
export type FunctionInfo = v.InferOutput<typeof FunctionInfo>;

/** All functions, by name. */
export const FunctionList = v.object({ functions: v.array(FunctionInfo) });

/** The answer to a publish. */
export const Published = v.object({
  name: v.string(),
  version: v.number(),
  digest: v.string(),
  sizeBytes: v.number(),
  /** Path of the function on this cloudlet: `/v1/functions/{name}`. */
  address: v.string(),
  /** False when this digest already was the current version. */
  created: v.boolean(),
  /** What the publisher should know: less was granted than asked for, or something is asked for that the component cannot use. */
  warnings: v.optional(v.array(v.string())),
});
export type Published = v.InferOutput<typeof Published>;

/** Which version shall be the current one; the one before when left out. */
export const RollbackRequest = v.strictObject({
  version: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
});
export type RollbackRequest = v.InferOutput<typeof RollbackRequest>;

/** How machines are run here, and what that means for isolation. */
export const AcceleratorInfo = v.object({
  kind: v.picklist(['kvm', 'tcg', 'none']),
  /** Whether the boundary around guests is one that QEMU, and we, call a security boundary. */
  isolates: v.boolean(),
  /** One sentence for people. */
  meaning: v.string(),
});
export type AcceleratorInfo = v.InferOutput<typeof AcceleratorInfo>;

/** What keeps each machine's QEMU apart from the computer, by names for people, and what the computer did not let us have. */
export const HardeningInfo = v.object({
  applied: v.array(v.string()),
  missing: v.array(v.object({ what: v.string(), reason: v.string() })),
});
export type HardeningInfo = v.InferOutput<typeof HardeningInfo>;

/** Snapshots of machines, from which others are cloned. */
export const SnapshotsInfo = v.object({
  kept: v.number(),
  /** On disk, bytes. */
  bytes: v.number(),
  /** Beyond it the least recently used go, bytes. */
  limitBytes: v.number(),
  /** `shared`: machines of one snapshot share its pages, read-only, until they write; `dedicated`: each has a copy. */
  isolation: v.picklist(['shared', 'dedicated']),
});
export type SnapshotsInfo = v.InferOutput<typeof SnapshotsInfo>;

/** One finished or running invocation, for the page; no input, output or keys. */
export const RecentInvocation = v.object({
  id: v.string(),
  /** The trace that it belongs to: 32 hexadecimal digits. */
  trace: v.string(),
  function: v.string(),
  version: v.number(),
  door: Door,
  target: v.optional(v.string()),
  startedAt: v.string(),
  durationMs: v.nullable(v.number()),
  /** `running`, `ok`, or a code of the error table. */
  outcome: v.string(),
  /** How it came to its sandbox: `idle`, `restored`, `function-clone`, `golden-clone` or `boot`. */
  start: v.optional(v.string()),
});
export type RecentInvocation = v.InferOutput<typeof RecentInvocation>;

/** One sandbox that exists, and the version that is loaded in it. */
export const SandboxInfo = v.object({
  id: v.string(),
  kind: v.picklist(['microvm', 'process']),
  function: v.nullable(v.string()),
  version: v.nullable(v.number()),
  /** `paused`: nobody uses it, its processors are stopped. */
  state: v.picklist(['starting', 'ready', 'paused', 'poisoned', 'closed']),
  /** How it was started. */
  via: v.picklist(['function-clone', 'golden-clone', 'boot']),
  /** Memory that would be free without it, as measured last, bytes. */
  privateBytes: v.number(),
  pid: v.nullable(v.number()),
  running: v.number(),
  served: v.number(),
  startedAt: v.string(),
});
export type SandboxInfo = v.InferOutput<typeof SandboxInfo>;

/** What a cloudlet is, can do and is doing. */
export const Status = v.object({
  /** `cl-<hex of the key>`: the cloudlet's identity on the network. */
  id: v.string(),
  name: v.string(),
  version: v.string(),
  sandbox: v.picklist(['microvm', 'process']),
  accelerator: AcceleratorInfo,
  /** What keeps machines apart; where functions run in processes, how they share the processors. */
  hardening: v.optional(HardeningInfo),
  /** Where functions run in machines. */
  snapshots: v.optional(SnapshotsInfo),
  /** Mechanisms of provisioning that this version offers. */
  mechanisms: v.array(v.string()),
  limits: v.object({
    componentBytes: v.number(),
    bodyBytes: v.number(),
    deadlineMs: v.number(),
    memoryMib: v.number(),
    /** Sandboxes of either kind at once. */
    machines: v.number(),
    /** Private memory that all sandboxes together may take, bytes. */
    sandboxBytes: v.number(),
  }),
  load: v.object({
    invocationsRunning: v.number(),
    invocationsQueued: v.number(),
    /** Sandboxes that are paused: they cost memory and no CPU. */
    sandboxesPaused: v.number(),
    /** Private memory of all sandboxes as measured last, bytes. */
    sandboxBytes: v.number(),
    /** Resident memory of the host's own process. */
    rssBytes: v.number(),
  }),
  functions: v.number(),
  services: v.optional(ServicesStatus),
  /** What the stores of all functions have. */
  stores: StoreUsage,
  /** Sandboxes of either kind, running and paused. */
  machines: v.number(),
  uptimeS: v.number(),
});
export type Status = v.InferOutput<typeof Status>;

/** Most bytes of one measurement of the link. */
export const MAX_LINK_BYTES = 64 * 1024 * 1024;

/** What came of a measurement in which the device sent. */
export const SwallowedBytes = v.object({
  bytes: v.number(),
  /** From the first byte to the last. */
  ms: v.number(),
});

/** RFC 9457 problem document. */
export const Problem = v.object({
  type: v.string(),
  title: v.string(),
  status: v.number(),
  detail: v.string(),
  code: v.string(),
  instance: v.string(),
});
export type Problem = v.InferOutput<typeof Problem>;

/** How much a message of `wasi:logging` matters, the least first. */
export const LogLevel = v.picklist(['trace', 'debug', 'info', 'warn', 'error', 'critical']);
export type LogLevel = v.InferOutput<typeof LogLevel>;

/** A line of a function's log, or of a service's. */
export const LogLine = v.object({
  /** Grows from line to line of a log, also over restarts: what `Last-Event-ID` takes. */
  seq: v.number(),
  at: v.string(),
  /** 0 in the log of a service. */
  version: v.number(),
  /** In the log of a service the id of its VM. */
  invocation: v.string(),
  /** `console`: what a service VM says, its server's output included. */
  stream: v.picklist(['stdout', 'stderr', 'host', 'console']),
  text: v.string(),
  /** What `wasi:logging` says of a message; absent for what was written to a stream. */
  entry: v.optional(v.object({ level: LogLevel, context: v.string() })),
});
export type LogLine = v.InferOutput<typeof LogLine>;

/** What `POST /v1/session` takes: the owner's token. */
export const SessionRequest = v.strictObject({ token: v.pipe(v.string(), v.minLength(1), v.maxLength(512)) });
export type SessionRequest = v.InferOutput<typeof SessionRequest>;

/** A session: send it as `Authorization: Bearer <session>`; browsers get it as a cookie, too. */
export const Session = v.object({
  session: v.string(),
  /** RFC 3339; every use moves it on. */
  expiresAt: v.string(),
});
export type Session = v.InferOutput<typeof Session>;

/** What a cloudlet tells anyone who asks: the facts of its advertisement. */
export const Advertisement = v.object({
  id: v.string(),
  name: v.string(),
  version: v.string(),
  /** Where the API begins. */
  path: v.string(),
  /** What it takes to be let in. */
  auth: v.picklist(['token']),
});
export type Advertisement = v.InferOutput<typeof Advertisement>;

/** Sandboxes that exist now. */
export const SandboxList = v.object({ sandboxes: v.array(SandboxInfo) });

/** Running and lately finished invocations, newest first. */
export const InvocationList = v.object({ invocations: v.array(RecentInvocation) });

/** Arguments of a typed call, in order. */
export const Arguments = v.array(v.unknown());
