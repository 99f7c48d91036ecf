/**
 * What a function asks to be given (`cloudlet.json`), and what it is given. Nothing else exists for it: what is not asked for, or not
 * allowed by the host's policy, is not there.
 */
import * as v from 'valibot';
import { guestPathFault, MAX_PATH_CHARS, plainPathFault } from './guest-path.ts';
import { parseHostPattern } from './host-pattern.ts';
import { LIMIT_NAMES, LIMITS, type LimitName, type Limits, limitsWith } from './limits.ts';

/** Most entries of one list or table of a grant. */
const MAX_ENTRIES = 256;
/** Longest value of the environment, the arguments or the configuration, in UTF-16 units. */
const MAX_VALUE_CHARS = 32 * 1024;
/** Directories of one kind: each is a handle in every invocation. */
const MAX_DIRECTORIES = 32;

/** A name of a secret: that of an environment variable would do. */
export const SecretName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/, 'a name of letters, digits, "_", "." and "-", at most 64'),
);

const Value = v.pipe(
  v.string(),
  v.maxLength(MAX_VALUE_CHARS, `a text of at most ${MAX_VALUE_CHARS} characters`),
  v.check((text) => !text.includes('\0'), 'a text without NUL'),
);
const VariableName = v.pipe(
  v.string(),
  // Names are shown to whoever decides about a function: a line break in one could pass for another line.
  v.regex(/^[^=\p{Cc}]{1,256}$/u, 'a name without "=" and control characters, at most 256 characters'),
);
const ConfigurationKey = v.pipe(
  v.string(),
  v.regex(/^\P{Cc}{1,256}$/u, 'a key without control characters, at most 256 characters'),
);
const Secret = v.strictObject({ secret: SecretName });
const ValueOrSecret = v.union([Value, Secret]);
const PackagePath = v.pipe(
  v.string(),
  v.maxLength(MAX_PATH_CHARS),
  v.check((path) => plainPathFault(path) === null, 'a relative path of plain names, such as "assets"'),
);
const GuestPath = v.pipe(
  v.string(),
  v.maxLength(MAX_PATH_CHARS),
  v.check((path) => guestPathFault(path) === null, 'a path of plain names, such as "/data"'),
);
const Count = (maximum: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(maximum, `at most ${maximum}`));
const pattern = (port: 'scheme' | 'named', example: string) =>
  v.pipe(
    v.string(),
    v.check((text) => typeof parseHostPattern(text, { port }) !== 'string', `a host such as ${example}`),
  );

/** Hosts for http, such as `api.example.org` or `*.example.org:8443`. */
export const HttpHosts = v.pipe(
  v.array(pattern('scheme', '"api.example.org" or "*.example.org:8443"')),
  v.maxLength(MAX_ENTRIES),
);
/** Hosts and ports for sockets, such as `db.example.org:5432`. */
export const SocketHosts = v.pipe(
  v.array(pattern('named', '"db.example.org:5432" or "*:53"')),
  v.maxLength(MAX_ENTRIES),
);

/** Files of the package that the guest may read. */
const FilesEntry = v.strictObject({
  /** Where the guest finds it. A directory of the package is there as a directory, a file as a file. */
  path: GuestPath,
  /** File or directory in the package; for a project, in its folder. */
  from: PackagePath,
});

const ScratchEntry = v.strictObject({
  /** Where the guest finds the directory, empty anew in every invocation. */
  path: GuestPath,
  /** Most bytes of files in it. */
  bytes: Count(1024 ** 3),
  /** Directory of the package whose files are there at the start, and may be changed. */
  from: v.optional(PackagePath),
});

/** The keys of `limits`, each bounded by the table. */
export const LIMIT_ENTRIES = Object.fromEntries(
  LIMIT_NAMES.map((name) => {
    const { minimum, ceiling, about } = LIMITS[name];
    return [
      name,
      v.optional(
        v.pipe(
          v.number(),
          v.integer(),
          v.minValue(minimum, `at least ${minimum} (${about})`),
          v.maxValue(ceiling, `at most ${ceiling} (${about})`),
        ),
      ),
    ];
  }),
) as unknown as { [K in LimitName]: v.OptionalSchema<v.GenericSchema<number>, undefined> };

const table = <Key extends v.GenericSchema<string, string>>(key: Key) =>
  v.pipe(
    v.record(key, ValueOrSecret),
    v.check((entries) => Object.keys(entries).length <= MAX_ENTRIES, `at most ${MAX_ENTRIES} entries`),
  );

/** The keys of `cloudlet.json` with which a function asks. Unknown ones are refused: a misspelt one would silently not hold. */
export const GrantRequest = v.strictObject({
  /** Files that the package carries; read-only. */
  files: v.optional(v.pipe(v.array(FilesEntry), v.maxLength(MAX_DIRECTORIES))),
  /** Directories in memory that the guest may write to; one, or a list. */
  scratch: v.optional(v.union([ScratchEntry, v.pipe(v.array(ScratchEntry), v.maxLength(MAX_DIRECTORIES))])),
  environment: v.optional(table(VariableName)),
  /** Words after the program's name, before those of the caller. */
  arguments: v.optional(v.pipe(v.array(Value), v.maxLength(MAX_ENTRIES))),
  /** What `wasi:config` gives. */
  configuration: v.optional(table(ConfigurationKey)),
  /** Names of the secrets that entries of the environment and the configuration may refer to. */
  secrets: v.optional(v.pipe(v.array(SecretName), v.maxLength(MAX_ENTRIES))),
  /** Hosts that may be asked by `wasi:http`. */
  http: v.optional(HttpHosts),
  sockets: v.optional(
    v.strictObject({
      tcp: v.optional(SocketHosts),
      udp: v.optional(SocketHosts),
      /** Whether names may be looked up. */
      lookup: v.optional(v.boolean()),
      /** Whether it may be connected to, at addresses that the host's policy names. */
      listen: v.optional(v.boolean()),
    }),
  ),
  stores: v.optional(
    v.strictObject({
      /** `wasi:keyvalue`: keys and values together. */
      keyvalue: v.optional(v.strictObject({ bytes: Count(1024 ** 4) })),
      /** `wasi:blobstore`: objects together. */
      blobs: v.optional(v.strictObject({ bytes: Count(1024 ** 4) })),
    }),
  ),
  limits: v.optional(v.strictObject(LIMIT_ENTRIES)),
});
export type GrantRequest = v.InferOutput<typeof GrantRequest>;

const StoreQuota = v.nullable(v.object({ bytes: v.number() }));
const granted = v.record(v.string(), v.union([v.string(), v.object({ secret: v.string() })]));

/** What a function version may touch and consume on this cloudlet. Nothing is granted by default; limits always have a value. */
export const Grant = v.object({
  files: v.array(v.object({ path: v.string(), from: v.string() })),
  scratch: v.array(v.object({ path: v.string(), bytes: v.number(), from: v.nullable(v.string()) })),
  /** A value, or the name of the secret that is its value. */
  environment: granted,
  arguments: v.array(v.string()),
  configuration: granted,
  secrets: v.array(v.string()),
  http: v.array(v.string()),
  sockets: v.object({ tcp: v.array(v.string()), udp: v.array(v.string()), lookup: v.boolean(), listen: v.boolean() }),
  stores: v.object({ keyvalue: StoreQuota, blobs: StoreQuota }),
  limits: v.object(
    Object.fromEntries(LIMIT_NAMES.map((name) => [name, v.number()])) as {
      [K in LimitName]: v.NumberSchema<undefined>;
    },
  ),
});
export type Grant = v.InferOutput<typeof Grant>;

/** A grant of nothing: default limits, with some replaced. */
export function emptyGrant(limits: Partial<Limits> = {}): Grant {
  return {
    ...{ files: [], scratch: [], environment: {}, arguments: [], configuration: {}, secrets: [], http: [] },
    sockets: { tcp: [], udp: [], lookup: false, listen: false },
    stores: { keyvalue: null, blobs: null },
    limits: limitsWith(limits),
  };
}
