import { join } from 'node:path';
import type { ExecutionModel } from '../c/clang.ts';
import { EXIT_WRAP } from '../c/exit-status.ts';
import { type RustToolchain, WASI_LIBC } from './toolchain.ts';

/** Edition of a function of one file, and of what is generated. */
export const EDITION = '2024';

/** What every call of rustc is given, besides the target, which cargo names itself. */
export function compilerFlags(sysroot: string, strip: boolean): string[] {
  return [`--sysroot=${sysroot}`, '-Cpanic=abort', `-Cstrip=${strip ? 'symbols' : 'debuginfo'}`];
}

/** What the call that links is given besides: Debian's linker and libc in place of those that Rust itself would bring. */
export function linkerFlags({ linker }: RustToolchain, model: ExecutionModel): string[] {
  const start = join(WASI_LIBC, `crt1-${model}.o`);
  const flags = ['-Clink-self-contained=no', '-Clinker-flavor=wasm-ld', `-Clinker=${linker}`, `-L${WASI_LIBC}`];
  if (model === 'command') flags.push(`-Clink-arg=--wrap=${EXIT_WRAP}`);
  return [...flags, `-Clink-arg=${start}`, '-Clink-arg=-lc'];
}
