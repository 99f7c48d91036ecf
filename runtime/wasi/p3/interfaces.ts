/** Every interface of WASI 0.3 that is provided, without version. */
export const PROVIDED_INTERFACES_3: readonly string[] = [
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
  'wasi:cli/types',
  'wasi:clocks/monotonic-clock',
  'wasi:clocks/system-clock',
  'wasi:clocks/types',
  'wasi:filesystem/preopens',
  'wasi:filesystem/types',
  'wasi:http/client',
  'wasi:http/types',
  'wasi:random/insecure',
  'wasi:random/insecure-seed',
  'wasi:random/random',
  'wasi:sockets/ip-name-lookup',
  'wasi:sockets/types',
];

/** Imports of WASI 0.3 that wait although their types are those of plain functions, in the names that jco's `asyncImports` wants. */
export const SUSPENDING_IMPORTS_3: readonly string[] = [
  'wasi:sockets/types@0.3.0#[method]tcp-socket.bind',
  'wasi:sockets/types@0.3.0#[method]tcp-socket.listen',
  'wasi:sockets/types@0.3.0#[method]udp-socket.bind',
  'wasi:sockets/types@0.3.0#[method]udp-socket.connect',
];

const PROVIDED: ReadonlySet<string> = new Set(PROVIDED_INTERFACES_3.map((name) => `${name}@0.3.0`));

/** Whether a component may import an interface of this name: one of WASI 0.3.0, as in `wasi:http/types@0.3.0`. */
export function providesInterface3(name: string): boolean {
  return PROVIDED.has(name);
}
