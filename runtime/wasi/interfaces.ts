/** Imports that may return a promise and so must be bound as suspending (JSPI), in the names that jco's `asyncImports` wants. */
export const SUSPENDING_IMPORTS: readonly string[] = [
  'wasi:io/poll#poll',
  'wasi:io/poll#[method]pollable.block',
  'wasi:io/streams#[method]input-stream.blocking-read',
  'wasi:io/streams#[method]input-stream.blocking-skip',
  'wasi:io/streams#[method]output-stream.blocking-flush',
  'wasi:io/streams#[method]output-stream.blocking-splice',
  'wasi:io/streams#[method]output-stream.blocking-write-and-flush',
  'wasi:io/streams#[method]output-stream.blocking-write-zeroes-and-flush',
];

/** Every interface of WASI 0.2 that `createWasi` provides, without version. */
export const PROVIDED_INTERFACES: readonly string[] = [
  'wasi:cli/environment',
  'wasi:cli/exit',
  'wasi:cli/stderr',
  'wasi:cli/stdin',
  'wasi:cli/stdout',
  'wasi:cli/terminal-input',
  'wasi:cli/terminal-output',
  'wasi:cli/terminal-stderr',
  'wasi:cli/terminal-stdin',
  'wasi:cli/terminal-stdout',
  'wasi:clocks/monotonic-clock',
  'wasi:clocks/wall-clock',
  'wasi:filesystem/preopens',
  'wasi:filesystem/types',
  'wasi:http/outgoing-handler',
  'wasi:http/types',
  'wasi:io/error',
  'wasi:io/poll',
  'wasi:io/streams',
  'wasi:random/insecure',
  'wasi:random/insecure-seed',
  'wasi:random/random',
  'wasi:sockets/instance-network',
  'wasi:sockets/ip-name-lookup',
  'wasi:sockets/network',
  'wasi:sockets/tcp',
  'wasi:sockets/tcp-create-socket',
  'wasi:sockets/udp',
  'wasi:sockets/udp-create-socket',
];

/** Interfaces beside WASI 0.2, as drafts, each with the only version that is here. */
export const PROVIDED_DRAFTS: ReadonlyMap<string, string> = new Map([
  ['wasi:config/store', '0.2.0-rc.1'],
  ['wasi:logging/logging', '0.1.0-draft'],
]);

/** Newest patch of WASI 0.2 whose functions are all here. */
const NEWEST_PATCH = 12;
const PROVIDED: ReadonlySet<string> = new Set(PROVIDED_INTERFACES);

/** Whether a component may import an interface of this name: one of WASI 0.2.0 to 0.2.12, as in `wasi:io/streams@0.2.6`, or a draft that is here. */
export function providesInterface(name: string): boolean {
  const at = name.indexOf('@');
  if (at !== -1 && PROVIDED_DRAFTS.get(name.slice(0, at)) === name.slice(at + 1)) return true;
  const match = /^([^@]+)@0\.2\.(0|[1-9][0-9]?)$/.exec(name);
  return match !== null && PROVIDED.has(match[1]!) && Number(match[2]) <= NEWEST_PATCH;
}
