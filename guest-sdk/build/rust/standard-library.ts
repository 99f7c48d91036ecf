import { createHash } from 'node:crypto';
import { access, cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildContext, begin } from '../progress.ts';
import { runCompiler } from '../tool.ts';
import type { RustToolchain } from './toolchain.ts';

/** The target that Rust has and that wasi-libc serves. */
export const RUST_TARGET = 'wasm32-wasip1';

/**
 * How the standard library is compiled. What a panic says is printed, then the function traps; the bitcode lets a project ask for
 * optimisation over crates.
 */
const FLAGS = ['-Cpanic=abort', '-Cembed-bitcode=yes'];

/** Parts that are built along, and that no function links. */
const NEEDLESS = /^lib(proc_macro|panic_unwind|rustc_literal_escaper)-/;

/**
 * Folder for `--sysroot` with the standard library of a Rust toolchain for WASI, which Debian has as source only: built when it is
 * not in the cache yet, and complete once it is there.
 */
export async function standardLibrary(rust: RustToolchain, context: BuildContext): Promise<string> {
  const { cache } = context;
  const key = createHash('sha256')
    .update(JSON.stringify([rust.version, FLAGS]))
    .digest('hex')
    .slice(0, 16);
  const folder = join(cache, 'rust', key);
  const there = await access(folder).then(
    () => true,
    () => false,
  );
  if (there) return folder;
  begin(context, 'compile', "compile Rust's standard library, once for this machine: a minute or more");
  const libraries = await compile(rust, join(context.scratch, 'standard-library'), context.signal);

  // Beside its place, because a rename does not cross file systems; the name is this process's own.
  const partial = join(cache, 'rust', `.${key}-${process.pid}-${Date.now()}.partial`);
  try {
    const into = join(partial, 'lib/rustlib', RUST_TARGET, 'lib');
    await mkdir(into, { recursive: true });
    for (const file of await readdir(libraries)) {
      if (file.endsWith('.rlib') && !NEEDLESS.test(file)) await cp(join(libraries, file), join(into, file));
    }
    await rename(partial, folder).catch(async (error: NodeJS.ErrnoException) => {
      // Another build was faster, with the same result.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return folder;
}

/** Compiles it in an empty folder, as what an empty crate depends on, and gives the folder with its parts. */
async function compile(rust: RustToolchain, folder: string, signal: AbortSignal | undefined): Promise<string> {
  const home = join(folder, 'home');
  await mkdir(join(folder, 'src'), { recursive: true });
  await mkdir(home);
  await writeFile(join(folder, 'Cargo.toml'), '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n');
  await writeFile(join(folder, 'src/lib.rs'), '');
  const source = `[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = ${JSON.stringify(rust.vendored)}\n`;
  await writeFile(join(home, 'config.toml'), source);
  const environment = {
    CARGO_HOME: home,
    CARGO_TARGET_DIR: join(folder, 'target'),
    CARGO_ENCODED_RUSTFLAGS: FLAGS.join('\x1f'),
    RUSTC: rust.rustc,
    // Only with this does a released compiler build its own standard library.
    RUSTC_BOOTSTRAP: '1',
  };
  const args = ['build', '--release', '--offline', '--target', RUST_TARGET, '-Zbuild-std=std,panic_abort'];
  await runCompiler(rust.cargo, args, { cwd: folder, environment, signal });
  return join(folder, 'target', RUST_TARGET, 'release/deps');
}
