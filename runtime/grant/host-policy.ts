import * as v from 'valibot';
import {
  Fingerprint,
  HttpHosts,
  isRegistryHost,
  LIMIT_ENTRIES,
  LIMIT_NAMES,
  LIMITS,
  type LimitName,
  type Limits,
  SocketHosts,
  strictParse,
} from '../../guest-sdk/protocol/index.ts';

/**
 * Hosts that functions may be granted: those of a list of patterns, or any whose addresses are public. Addresses that are not public
 * need `privateNetworks` as well, whatever the pattern says.
 */
export type AllowedHosts = 'any-public' | 'none' | readonly string[];

/**
 * Whose functions a host takes: anybody's, also unsigned ones; signed ones, where the first key of a name is its key from then on; or
 * those signed by a key of a list.
 */
export type FunctionPublishers = 'anyone' | 'pinned' | readonly string[];

/** What the host lets functions have: everything that is asked for beyond it is reduced to it. */
export interface HostPolicy {
  readonly http: AllowedHosts;
  readonly sockets: {
    readonly tcp: AllowedHosts;
    readonly udp: AllowedHosts;
    readonly lookup: boolean;
    readonly listen: boolean;
  };
  /** Networks (`10.0.0.0/8`, `fd00::/8`, `127.0.0.0/8`) that may be reached although they are not public. */
  readonly privateNetworks: readonly string[];
  /** Most bytes of a function's store; 0: it gets none. */
  readonly stores: { readonly keyvalueBytes: number; readonly blobBytes: number };
  /** Most bytes of all scratch directories of one invocation together. */
  readonly scratchBytes: number;
  readonly secrets: boolean;
  /** Whose store entries are taken, and how many bytes of files they may have together. */
  readonly catalogue: { readonly publishers: 'anyone' | 'accepted' | readonly string[]; readonly bytes: number };
  /** Whose functions are taken, and whether their packages may be pulled by who has no session. */
  readonly functions: { readonly publishers: FunctionPublishers; readonly anonymousPull: boolean };
  /**
   * Registries that packages are pulled from by reference; networks on which they may be although these are not public; and those (`host:port`) that are asked by
   * plain HTTP although they are on another computer.
   */
  readonly registries: {
    readonly hosts: AllowedHosts;
    readonly privateNetworks: readonly string[];
    readonly plainHttp: readonly string[];
  };
  /** What a function gets that asks for nothing else. */
  readonly defaults: Limits;
  readonly maxima: Limits;
}

const MIB = 1024 ** 2;

/** A network with its length of prefix, as a policy names it. */
const Network = v.pipe(v.string(), v.check(isNetwork, 'a network such as "10.0.0.0/8" or "fd00::/8"'));
const RegistryHost = v.pipe(
  v.string(),
  v.check((text) => isRegistryHost(text), 'a registry such as "images.example" or "10.0.0.5:5000"'),
);
const allowed = <Hosts extends v.GenericSchema<string[]>>(hosts: Hosts) =>
  v.union([v.picklist(['any-public', 'none']), hosts]);
const Bytes = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 50));

/** The file of `--policy`: what an operator says, everything may be left out. */
export const PolicyFile = v.strictObject({
  /** Lets an editor check the file; not read. */
  $schema: v.optional(v.string()),
  /** Hosts for `wasi:http`: `any-public`, `none`, or a list of patterns. */
  http: v.optional(allowed(HttpHosts)),
  sockets: v.optional(
    v.strictObject({
      tcp: v.optional(allowed(SocketHosts)),
      udp: v.optional(allowed(SocketHosts)),
      lookup: v.optional(v.boolean()),
      listen: v.optional(v.boolean()),
    }),
  ),
  privateNetworks: v.optional(v.pipe(v.array(Network), v.maxLength(64))),
  /** Most bytes that one function may keep. */
  stores: v.optional(v.strictObject({ keyvalueBytes: v.optional(Bytes), blobBytes: v.optional(Bytes) })),
  scratchBytes: v.optional(v.pipe(Bytes, v.maxValue(1024 * MIB))),
  /** Whether functions may have secrets. */
  secrets: v.optional(v.boolean()),
  /** What the store takes: entries of anyone, of keys that the owner has accepted once, or of listed keys only. */
  catalogue: v.optional(
    v.strictObject({
      publishers: v.optional(
        v.union([v.picklist(['anyone', 'accepted']), v.pipe(v.array(Fingerprint), v.maxLength(1024))]),
      ),
      bytes: v.optional(Bytes),
    }),
  ),
  /** Whose functions are taken: unsigned ones too, signed ones of whoever had the name first, or of listed keys only; who may pull them. */
  functions: v.optional(
    v.strictObject({
      publishers: v.optional(
        v.union([v.picklist(['anyone', 'pinned']), v.pipe(v.array(Fingerprint), v.maxLength(1024))]),
      ),
      anonymousPull: v.optional(v.boolean()),
    }),
  ),
  /** Registries that the cloudlet itself pulls from: `any-public`, `none`, or a list of patterns; where they may be, and how they are asked. */
  registries: v.optional(
    v.strictObject({
      hosts: v.optional(allowed(HttpHosts)),
      privateNetworks: v.optional(v.pipe(v.array(Network), v.maxLength(64))),
      plainHttp: v.optional(v.pipe(v.array(RegistryHost), v.maxLength(64))),
    }),
  ),
  /** What a function gets that asks for nothing else. */
  defaults: v.optional(v.strictObject(LIMIT_ENTRIES)),
  /** The most that a function gets. */
  maxima: v.optional(v.strictObject(LIMIT_ENTRIES)),
});
export type PolicyFile = v.InferOutput<typeof PolicyFile>;

/** Reads the policy file's plain data; `request-invalid` names the key, what was expected and what came. */
export function parsePolicy(value: unknown, what = 'the policy'): PolicyFile {
  return strictParse(PolicyFile, value, what, 'request-invalid');
}

/** Maxima of a host that was told nothing else, where they are not its defaults. */
const MAXIMA: Partial<Limits> = {
  deadlineMs: 600_000,
  cpuMs: 600_000,
  logBytes: 4 * MIB,
  handles: 16_384,
  pollables: 4096,
  fields: 1024,
  fieldBytes: 256 * 1024,
  connections: 128,
  reuseInvocations: 100_000,
  reuseAtOnce: 256,
  reuseIdleMs: 600_000,
};

/**
 * The policy that an operator's file makes of a host's own limits: they are the defaults of functions, and the maxima where
 * the file says nothing else and the host's machines are made for no more. Public hosts may be asked; loopback, private networks and
 * udp may not.
 */
export function hostPolicy(own: Partial<Limits> = {}, file: PolicyFile = {}): HostPolicy {
  const pick = (of: (name: LimitName) => number) =>
    Object.fromEntries(LIMIT_NAMES.map((name) => [name, of(name)])) as unknown as Limits;
  const ownDefault = (name: LimitName) => own[name] ?? LIMITS[name].default;
  const maxima = pick(
    (name) => file.maxima?.[name] ?? Math.max(MAXIMA[name] ?? 0, file.defaults?.[name] ?? 0, ownDefault(name)),
  );
  return {
    http: file.http ?? 'any-public',
    sockets: {
      tcp: file.sockets?.tcp ?? 'any-public',
      udp: file.sockets?.udp ?? 'none',
      lookup: file.sockets?.lookup ?? true,
      listen: file.sockets?.listen ?? false,
    },
    privateNetworks: file.privateNetworks ?? [],
    stores: {
      keyvalueBytes: file.stores?.keyvalueBytes ?? 64 * MIB,
      blobBytes: file.stores?.blobBytes ?? 1024 * MIB,
    },
    scratchBytes: file.scratchBytes ?? 64 * MIB,
    secrets: file.secrets ?? true,
    catalogue: {
      publishers: file.catalogue?.publishers ?? 'anyone',
      bytes: file.catalogue?.bytes ?? 16 * 1024 * MIB,
    },
    functions: {
      publishers: file.functions?.publishers ?? 'anyone',
      anonymousPull: file.functions?.anonymousPull ?? false,
    },
    registries: {
      hosts: file.registries?.hosts ?? 'any-public',
      privateNetworks: file.registries?.privateNetworks ?? [],
      plainHttp: file.registries?.plainHttp ?? [],
    },
    defaults: pick((name) => Math.min(file.defaults?.[name] ?? ownDefault(name), maxima[name])),
    maxima,
  };
}

function isNetwork(text: string): boolean {
  const match = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/.exec(text);
  if (match === null) return false;
  const [, address, prefix] = match;
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address!);
  if (four !== null) return four.slice(1).every((part) => Number(part) <= 255) && Number(prefix) <= 32;
  return address!.includes(':') && URL.canParse(`http://[${address}]/`) && Number(prefix) <= 128;
}
