import { join } from 'node:path';
import { EXIT_WRAP } from '../c/exit-status.ts';
import { type RustToolchain, WASI_LIBC } from './toolchain.ts';

/** Edition of a function of one file, and of what is generated. */
export const EDITION = '2024';

/** What every call of rustc is given, besides the target, which cargo names itself. */
export function compilerFlags(sysroot: string, strip: boolean): string[] {
  return [`--sysroot=${sysroot}`, '-Cpanic=abort', `-Cstrip=${strip ? 'symbols' : 'debuginfo'}`];
}

/** What is linked. */
export interface Linked {
  /** A program with a `main`, whose exits are the host's. */
  readonly program: boolean;
  /** Whether it has a world, and so is entered by more than its `main`. */
  readonly world: boolean;
}

/** What the call that links is given besides: Debian's linker and libc in place of those that Rust itself would bring. */
export function linkerFlags({ linker }: RustToolchain, { program, world }: Linked): string[] {
  const start = join(WASI_LIBC, `crt1-${program && !world ? 'command' : 'reactor'}.o`);
  const flags = ['-Clink-self-contained=no', '-Clinker-flavor=wasm-ld', `-Clinker=${linker}`, `-L${WASI_LIBC}`];
  if (program) flags.push(`-Clink-arg=--wrap=${EXIT_WRAP}`);
  return [...flags, `-Clink-arg=${start}`, '-Clink-arg=-lc'];
}
