import * as v from 'valibot';

/** Most entries of one list of what was used: a guest chooses how many things it tries. */
export const MAX_USE_ENTRIES = 4096;

const Names = v.pipe(v.array(v.string()), v.maxLength(MAX_USE_ENTRIES));
const Amount = v.pipe(v.number(), v.minValue(0));

/**
 * What invocations of a function used of what they may be granted, and what they tried in vain. Lists are sorted and without doubles, so that the
 * same uses are the same value in whatever order they were seen.
 */
export const Use = v.object({
  invocations: Amount,
  /** Paths as the guest sees them. */
  files: v.object({
    read: Names,
    written: Names,
    /** Asked about, and there. */
    lookedAt: Names,
    /** Directories whose entries were listed. */
    listed: Names,
    /** Looked for, and not there. */
    missing: Names,
    /** Were to be changed, and may not be. */
    readOnly: Names,
  }),
  /** Whether it was read: WASI gives all of it or nothing. */
  environment: v.boolean(),
  arguments: v.boolean(),
  /** Keys; `all` when all were asked for at once. */
  configuration: v.object({ read: Names, missing: Names, all: v.boolean() }),
  /** Hosts as a grant names them, with the methods of the requests. */
  http: v.pipe(v.array(v.object({ host: v.string(), methods: Names })), v.maxLength(MAX_USE_ENTRIES)),
  sockets: v.object({ tcp: Names, udp: Names, lookup: Names, listen: v.boolean() }),
  /** Bytes that are kept, at most; null when the store was not used. */
  stores: v.object({ keyvalueBytes: v.nullable(Amount), blobBytes: v.nullable(Amount) }),
  /** What was asked for and refused: hosts, services of the host. */
  denied: Names,
  /** The most of one invocation; the processor's time is only known where uses are recorded. */
  most: v.object({ scratchBytes: Amount, memoryBytes: Amount, wallMs: Amount, cpuMs: Amount, atOnce: Amount }),
  /** Uses that were more than can be told. */
  dropped: Amount,
});
export type Use = v.InferOutput<typeof Use>;

/** Nothing used. */
export const NO_USE: Use = {
  invocations: 0,
  files: { read: [], written: [], lookedAt: [], listed: [], missing: [], readOnly: [] },
  environment: false,
  arguments: false,
  configuration: { read: [], missing: [], all: false },
  http: [],
  sockets: { tcp: [], udp: [], lookup: [], listen: false },
  stores: { keyvalueBytes: null, blobBytes: null },
  denied: [],
  most: { scratchBytes: 0, memoryBytes: 0, wallMs: 0, cpuMs: 0, atOnce: 0 },
  dropped: 0,
};

/**
 * What either used. In whatever order uses are merged, the result is the same; what is there at last (a path that another run wrote first) is
 * not told from what was always there.
 */
export function mergeUse(a: Use, b: Use): Use {
  return {
    invocations: a.invocations + b.invocations,
    files: {
      read: union(a.files.read, b.files.read),
      written: union(a.files.written, b.files.written),
      lookedAt: union(a.files.lookedAt, b.files.lookedAt),
      listed: union(a.files.listed, b.files.listed),
      missing: union(a.files.missing, b.files.missing),
      readOnly: union(a.files.readOnly, b.files.readOnly),
    },
    environment: a.environment || b.environment,
    arguments: a.arguments || b.arguments,
    configuration: {
      read: union(a.configuration.read, b.configuration.read),
      missing: union(a.configuration.missing, b.configuration.missing),
      all: a.configuration.all || b.configuration.all,
    },
    http: mergeHosts([...a.http, ...b.http]),
    sockets: {
      tcp: union(a.sockets.tcp, b.sockets.tcp),
      udp: union(a.sockets.udp, b.sockets.udp),
      lookup: union(a.sockets.lookup, b.sockets.lookup),
      listen: a.sockets.listen || b.sockets.listen,
    },
    stores: {
      keyvalueBytes: most(a.stores.keyvalueBytes, b.stores.keyvalueBytes),
      blobBytes: most(a.stores.blobBytes, b.stores.blobBytes),
    },
    denied: union(a.denied, b.denied),
    most: {
      scratchBytes: Math.max(a.most.scratchBytes, b.most.scratchBytes),
      memoryBytes: Math.max(a.most.memoryBytes, b.most.memoryBytes),
      wallMs: Math.max(a.most.wallMs, b.most.wallMs),
      cpuMs: Math.max(a.most.cpuMs, b.most.cpuMs),
      atOnce: Math.max(a.most.atOnce, b.most.atOnce),
    },
    dropped: a.dropped + b.dropped,
  };
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])].sort().slice(0, MAX_USE_ENTRIES);
}

function mergeHosts(hosts: Use['http']): Use['http'] {
  const methods = new Map<string, string[]>();
  for (const each of hosts) methods.set(each.host, union(methods.get(each.host) ?? [], each.methods));
  return [...methods]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, MAX_USE_ENTRIES)
    .map(([host, all]) => ({ host, methods: all }));
}

function most(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}
