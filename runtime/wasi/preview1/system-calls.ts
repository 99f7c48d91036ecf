import type { Datetime } from '../clocks/datetime.ts';
import type { Descriptor } from '../filesystem/descriptor.ts';
import type { InputStream } from '../io/input-stream.ts';
import type { OutputStream } from '../io/output-stream.ts';
import type { Pollable } from '../io/pollable.ts';

/** What WASI 0.1 needs of the WASI 0.2 beside it. */
export interface SystemCalls {
  readonly 'wasi:cli/environment': {
    getEnvironment(): readonly (readonly [string, string])[];
    getArguments(): readonly string[];
  };
  readonly 'wasi:cli/exit': { exitWithCode(code: number): never };
  readonly 'wasi:cli/stdin': { getStdin(): InputStream };
  readonly 'wasi:cli/stdout': { getStdout(): OutputStream };
  readonly 'wasi:cli/stderr': { getStderr(): OutputStream };
  readonly 'wasi:clocks/monotonic-clock': {
    now(): bigint;
    resolution(): bigint;
    subscribeInstant(at: bigint): Pollable;
    subscribeDuration(ns: bigint): Pollable;
  };
  readonly 'wasi:clocks/wall-clock': { now(): Datetime; resolution(): Datetime };
  readonly 'wasi:filesystem/preopens': { getDirectories(): [Descriptor, string][] };
  readonly 'wasi:io/poll': { poll(pollables: readonly Pollable[]): Uint32Array | Promise<Uint32Array> };
  readonly 'wasi:random/random': { getRandomBytes(length: bigint): Uint8Array };
}

/** Nanoseconds since 1970. */
export function nanosecondsOf({ seconds, nanoseconds }: Datetime): bigint {
  return seconds * 1_000_000_000n + BigInt(nanoseconds);
}

/** The time of a number of nanoseconds since 1970. */
export function datetimeOfNanoseconds(ns: bigint): Datetime {
  return { seconds: ns / 1_000_000_000n, nanoseconds: Number(ns % 1_000_000_000n) };
}
