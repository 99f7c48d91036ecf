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

const PROVIDED: ReadonlySet<string> = new Set(PROVIDED_INTERFACES_3.map((name) => `${name}@0.3.0`));

/** Whether a component may import an interface of this name: one of WASI 0.3.0, as in `wasi:http/types@0.3.0`. */
export function providesInterface3(name: string): boolean {
  return PROVIDED.has(name);
}
