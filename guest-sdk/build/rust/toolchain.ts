import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from '../tool.ts';

/** The one command that installs everything a Rust function needs on Debian. */
export const INSTALL_RUST_TOOLS = 'apt-get install rustc-web cargo-web rust-web-src wasi-libc lld-19';

/** What a Rust function needs, for people. */
export const RUST_TOOLS = 'rustc and cargo with the source of the standard library, wasi-libc and lld';

/** Where Debian's wasi-libc is. */
export const WASI_LIBC = '/usr/lib/wasm32-wasi';

/** A Rust that can build its standard library for WASI without a network. */
export interface RustToolchain {
  /** Names or paths of programs. */
  readonly rustc: string;
  readonly cargo: string;
  readonly linker: string;
  /** What `rustc -vV` says: another compiler needs another standard library. */
  readonly version: string;
  /** Crates that the standard library is made of besides its own. */
  readonly vendored: string;
}

/** Debian's own first: one that a person installed beside it seldom has the vendored source. */
const RUSTS = [
  { rustc: '/usr/bin/rustc', cargo: '/usr/bin/cargo' },
  { rustc: 'rustc', cargo: 'cargo' },
];
const LINKERS = ['wasm-ld-19', 'wasm-ld', 'wasm-ld-22', 'wasm-ld-21', 'wasm-ld-20', 'wasm-ld-18', 'wasm-ld-17'];

let found: Promise<RustToolchain | null> | undefined;

/** A Rust toolchain for WASI on this machine, or null. Looked for once a process. */
export function findRust(): Promise<RustToolchain | null> {
  found ??= probe();
  return found;
}

async function probe(): Promise<RustToolchain | null> {
  const linker = await firstThatRuns(LINKERS);
  if (linker === null || !(await isThere(join(WASI_LIBC, 'libc.a')))) return null;
  for (const { rustc, cargo } of RUSTS) {
    const { status, stdout: version } = await runTool(rustc, ['-vV']);
    if (status !== 0 || (await firstThatRuns([cargo])) === null) continue;
    const { stdout: sysroot } = await runTool(rustc, ['--print', 'sysroot']);
    const vendored = join(sysroot.trim(), 'lib/rustlib/src/rust/library/vendor');
    if ((await readdir(vendored).catch(() => [])).length === 0) continue;
    return { rustc, cargo, linker, version: version.trim(), vendored };
  }
  return null;
}

async function firstThatRuns(programs: readonly string[]): Promise<string | null> {
  for (const program of programs) if ((await runTool(program, ['--version'])).status === 0) return program;
  return null;
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
