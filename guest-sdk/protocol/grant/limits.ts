/** What one limit of a function may be. */
export interface LimitTraits {
  /** Smallest value with which a function can do anything at all. */
  readonly minimum: number;
  /** What a function gets that asks for nothing else. */
  readonly default: number;
  /** What no host may grant more of: larger values are mistakes, or harm the host's own process. */
  readonly ceiling: number;
  /** What is counted, for people. */
  readonly about: string;
}

/**
 * Every limit of a function, in one table. `runtime/grant` puts a host's own defaults and maxima over it.
 * A limit that is not here does not exist in `cloudlet.json`.
 */
export const LIMITS = {
  memoryMib: { minimum: 1, default: 256, ceiling: 4096, about: 'linear memory of one instance, MiB' },
  deadlineMs: { minimum: 1, default: 30_000, ceiling: 86_400_000, about: 'wall time of one invocation, milliseconds' },
  cpuMs: { minimum: 1, default: 30_000, ceiling: 86_400_000, about: 'processor time of one invocation, milliseconds' },
  concurrency: { minimum: 1, default: 4, ceiling: 64, about: 'invocations at once in one sandbox' },
  instances: { minimum: 1, default: 256, ceiling: 4096, about: 'invocations at once in all sandboxes of the function' },
  valueBytes: {
    minimum: 1,
    default: 16 * 1024 ** 2,
    ceiling: 64 * 1024 ** 2,
    about: 'arguments or result of a typed call, bytes',
  },
  bodyBytes: {
    minimum: 1,
    default: 256 * 1024 ** 2,
    ceiling: 64 * 1024 ** 3,
    about: 'input of a command or http request, bytes',
  },
  answerBytes: {
    minimum: 0,
    default: 1024 ** 3,
    ceiling: 1024 ** 4,
    about: 'output of a command or body of an http answer, bytes',
  },
  logBytes: {
    minimum: 0,
    default: 256 * 1024,
    ceiling: 64 * 1024 ** 2,
    about: 'log that is kept of the function, bytes',
  },
  handles: { minimum: 16, default: 4096, ceiling: 65_536, about: 'resources that one invocation holds at once' },
  pollables: { minimum: 1, default: 1024, ceiling: 16_384, about: 'things that one invocation waits for at once' },
  fields: { minimum: 1, default: 256, ceiling: 4096, about: 'header or trailer fields in one set' },
  fieldBytes: {
    minimum: 64,
    default: 64 * 1024,
    ceiling: 1024 ** 2,
    about: 'names and values in one set of fields, bytes',
  },
  connections: { minimum: 1, default: 16, ceiling: 1024, about: 'outgoing connections of the function at once' },
  reuseInvocations: {
    ...{ minimum: 1, default: 128, ceiling: 1_000_000 },
    about: 'invocations that one instance of an asynchronous component (WASI 0.3) serves',
  },
  reuseAtOnce: { minimum: 1, default: 16, ceiling: 1024, about: 'how many of them at once' },
  reuseIdleMs: {
    ...{ minimum: 0, default: 1000, ceiling: 3_600_000 },
    about: 'how long such an instance may serve nobody, milliseconds',
  },
} as const satisfies Record<string, LimitTraits>;

/** A key of `LIMITS`. */
export type LimitName = keyof typeof LIMITS;

/** The names in the table's order. */
export const LIMIT_NAMES = Object.keys(LIMITS) as readonly LimitName[];

/** A value for every limit. */
export type Limits = { readonly [K in LimitName]: number };

/** The defaults of the table, with some replaced. */
export function limitsWith(given: Partial<Limits> = {}): Limits {
  const defaults = Object.fromEntries(LIMIT_NAMES.map((name) => [name, LIMITS[name].default]));
  return { ...(defaults as Limits), ...given };
}
