import { isIP } from 'node:net';
import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { CloudletError } from '../guest-sdk/protocol/index.ts';
import type { AcceleratorChoice, Isolation, SandboxKind } from '../runtime/index.ts';
import { type TracingConfig, tracingConfig } from './tracing/tracing-config.ts';

/** What one host serves, where it keeps things and how it runs guests. Made by `hostConfig` only, so it is always complete and valid. */
export interface HostConfig {
  /** TCP port; 0 lets the system choose. */
  readonly port: number;
  /** IP address to listen on. Anything but a loopback address serves the network. */
  readonly bind: string;
  /** Functions, keys and the owner's token. Losing it loses them. */
  readonly dataDir: string;
  /** What can be made again: base images, translated components. */
  readonly cacheDir: string;
  readonly sandbox: SandboxKind;
  readonly accel: AcceleratorChoice;
  readonly isolation: Isolation;
  /** The name people see; undefined leaves it to the cloudlet. */
  readonly name: string | undefined;
  /** Private memory that all sandboxes together may take, MiB; undefined leaves it to the cloudlet. */
  readonly memoryMib: number | undefined;
  /** After how long without a call a sandbox is closed, seconds; undefined leaves it to the cloudlet. */
  readonly idleS: number | undefined;
  /** Versions of each function that are kept; undefined leaves it to the cloudlet. */
  readonly retain: number | undefined;
  /** After how long without progress a deployment is given up, seconds; undefined leaves it to the cloudlet. */
  readonly deploymentIdleS: number | undefined;
  /** How long a deployment may take in all, seconds; undefined leaves it to the cloudlet. */
  readonly deploymentTimeS: number | undefined;
  /** After how long without a byte a request to a native server is ended, seconds; undefined leaves it to the cloudlet. */
  readonly serviceIdleS: number | undefined;
  /** File that says what functions may be granted; undefined leaves it to the cloudlet. */
  readonly policyFile: string | undefined;
  /** Further names that a request may give in `Host`, for a cloudlet behind a name of its own or a forwarded port. */
  readonly allowHosts: readonly string[];
  /** Where OpenTelemetry spans go; null when the standard variables name no endpoint. */
  readonly tracing: TracingConfig | null;
}

const port = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^\d{1,5}$/), v.transform(Number))]),
  v.integer(),
  v.minValue(0),
  v.maxValue(65535),
);
const count = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number))]),
  v.integer(),
  v.minValue(1),
);
const text = v.pipe(v.string(), v.nonEmpty());

/** The flags of `cloudlet serve`, as commander hands them over. */
const ServeFlags = v.strictObject({
  port: v.optional(port),
  bind: v.optional(
    v.pipe(
      text,
      v.transform((address) => (address === 'localhost' ? '127.0.0.1' : address.replace(/^\[(.*)\]$/, '$1'))),
      v.check((address) => isIP(address) !== 0),
    ),
  ),
  data: v.optional(text),
  cache: v.optional(text),
  sandbox: v.optional(v.picklist(['microvm', 'process'])),
  accel: v.optional(v.picklist(['auto', 'kvm', 'tcg'])),
  isolation: v.optional(v.picklist(['shared', 'dedicated'])),
  name: v.optional(v.pipe(text, v.maxLength(63))),
  memory: v.optional(count),
  idle: v.optional(count),
  retain: v.optional(count),
  deploymentIdle: v.optional(count),
  deploymentTime: v.optional(count),
  serviceIdle: v.optional(count),
  policy: v.optional(text),
  allowHost: v.optional(v.array(v.pipe(v.string(), v.regex(/^[a-z0-9_.-]+$|^\[[0-9a-f:.]+\]$/i)))),
});
/** Flags of `cloudlet serve` before they are checked; each may also come from `CLOUDLET_<FLAG>`. */
export type ServeFlags = {
  readonly [K in keyof v.InferInput<typeof ServeFlags>]?: string | number | readonly string[] | undefined;
};

const EXPECTED: Readonly<Record<keyof typeof ServeFlags.entries, string>> = {
  port: 'a number from 0 to 65535',
  bind: 'an IP address of this machine, "localhost", or 0.0.0.0 for the whole network',
  data: 'a directory',
  cache: 'a directory',
  sandbox: '"microvm" or "process"',
  accel: '"auto", "kvm" or "tcg"',
  isolation: '"shared" or "dedicated"',
  name: 'a name of 1 to 63 characters',
  memory: 'a whole number of MiB above 0',
  idle: 'a whole number of seconds above 0',
  retain: 'a whole number of versions above 0',
  deploymentIdle: 'a whole number of seconds above 0',
  deploymentTime: 'a whole number of seconds above 0',
  serviceIdle: 'a whole number of seconds above 0',
  policy: 'a JSON file',
  allowHost: 'a host name without port',
};

/** Environment variables that other parts of the program read; naming them here keeps a misspelt one an error. */
const CLIENT_VARIABLES: ReadonlySet<string> = new Set(['CLOUDLET_URL', 'CLOUDLET_TOKEN', 'CLOUDLET_REGISTRY_AUTH']);

/** What the process was given by its surroundings; tests put their own in. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly isRoot: boolean;
}

/** The surroundings of this process: the only place that reads `process.env`. */
export function surroundings(): Surroundings {
  return { environment: process.env, home: homedir(), isRoot: userInfo().uid === 0 };
}

/** Puts flags over environment over defaults; `request-invalid` names the first key that is unknown or has a bad value. */
export function hostConfig(flags: ServeFlags = {}, around: Surroundings = surroundings()): HostConfig {
  return { ...ownConfig(flags, around), tracing: tracingConfig(around.environment) };
}

function ownConfig(flags: ServeFlags, around: Surroundings): Omit<HostConfig, 'tracing'> {
  const given: Record<string, unknown> = { ...fromEnvironment(around.environment) };
  for (const [key, value] of Object.entries(flags)) if (value !== undefined) given[key] = value;
  const parsed = v.safeParse(ServeFlags, given);
  if (!parsed.success) throw refusal(parsed.issues[0], given);
  const chosen = parsed.output;
  return {
    port: chosen.port ?? 8080,
    bind: chosen.bind ?? '127.0.0.1',
    dataDir: resolve(chosen.data ?? defaultDirectory(around, 'XDG_DATA_HOME', '.local/share', '/var/lib')),
    cacheDir: resolve(chosen.cache ?? defaultDirectory(around, 'XDG_CACHE_HOME', '.cache', '/var/cache')),
    sandbox: chosen.sandbox ?? 'microvm',
    accel: chosen.accel ?? 'auto',
    isolation: chosen.isolation ?? 'shared',
    name: chosen.name,
    memoryMib: chosen.memory,
    idleS: chosen.idle,
    retain: chosen.retain,
    deploymentIdleS: chosen.deploymentIdle,
    deploymentTimeS: chosen.deploymentTime,
    serviceIdleS: chosen.serviceIdle,
    policyFile: chosen.policy === undefined ? undefined : resolve(chosen.policy),
    allowHosts: chosen.allowHost ?? [],
  };
}

/** Where the `cloudlet` command finds its host: an address, and the directory whose token proves that the caller owns it. */
export interface ClientConfig {
  readonly url: string;
  /** A token given outright, for a host whose data directory is out of reach. */
  readonly token: string | undefined;
  /** `user:password` for registries. */
  readonly registryAuth: string | undefined;
  readonly dataDir: string;
  /** Where the command keeps what it can do without. */
  readonly cacheDir: string;
}

/** Reads `CLOUDLET_URL`, `CLOUDLET_TOKEN` and the data directory for a verb that talks to a host. */
export function clientConfig(
  flags: { readonly data?: string | undefined } = {},
  around: Surroundings = surroundings(),
): ClientConfig {
  const { dataDir, cacheDir } = ownConfig(flags.data === undefined ? {} : { data: flags.data }, around);
  return {
    url: around.environment['CLOUDLET_URL'] || 'http://localhost:8080',
    token: around.environment['CLOUDLET_TOKEN'] || undefined,
    registryAuth: around.environment['CLOUDLET_REGISTRY_AUTH'] || undefined,
    dataDir,
    cacheDir,
  };
}

/** Whether an address is reachable from this machine only. */
export function isLoopback(address: string): boolean {
  return address === '::1' || /^127\./.test(address) || /^::ffff:127\./i.test(address);
}

function fromEnvironment(environment: Surroundings['environment']): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('CLOUDLET_') || CLIENT_VARIABLES.has(variable) || value === undefined || value === '')
      continue;
    const key = variable
      .slice('CLOUDLET_'.length)
      .toLowerCase()
      .replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (!Object.hasOwn(ServeFlags.entries, key)) {
      const known = [...Object.keys(ServeFlags.entries).map(variableOf), ...CLIENT_VARIABLES].join(', ');
      throw new CloudletError('request-invalid', `expected one of ${known} in the environment, got ${variable}`);
    }
    given[key] = key === 'allowHost' ? value.split(',') : value;
  }
  return given;
}

function refusal(issue: v.InferIssue<typeof ServeFlags>, given: Record<string, unknown>): CloudletError {
  const key = String(issue.path?.[0]?.key ?? '');
  const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const expected = Object.hasOwn(EXPECTED, key) ? EXPECTED[key as keyof typeof EXPECTED] : undefined;
  if (expected === undefined)
    return new CloudletError('request-invalid', `there is no option ${flag}; see: npx cloudlet serve --help`);
  return new CloudletError(
    'request-invalid',
    `expected ${flag} (${variableOf(key)}) to be ${expected}, got ${JSON.stringify(given[key])}`,
  );
}

function variableOf(key: string): string {
  return `CLOUDLET_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function defaultDirectory(around: Surroundings, variable: string, underHome: string, forRoot: string): string {
  if (around.isRoot) return join(forRoot, 'cloudlet');
  return join(around.environment[variable] || join(around.home, underHome), 'cloudlet');
}
