import { cp, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CloudletError } from '../../protocol/index.ts';
import { runCompiler } from '../tool.ts';
import { RUST_TARGET } from './standard-library.ts';
import type { RustToolchain } from './toolchain.ts';

/** A project of cargo's. Paths are absolute. */
export interface CargoSource {
  readonly rust: RustToolchain;
  readonly manifest: string;
  /** Where cargo keeps what it compiled, for the next build. */
  readonly folder: string;
  /** A library for a world, else a program. */
  readonly library: boolean;
  readonly flags: readonly string[];
  /** The core module to write. */
  readonly output: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * Compiles a project with cargo, which fetches nothing, and gives its warnings.
 * @throws CloudletError `build-failed` with cargo's words.
 */
export async function compileCargo(source: CargoSource): Promise<string> {
  const { rust, manifest, folder, library, flags, output, signal } = source;
  const finished = join(folder, RUST_TARGET, 'release');
  // What is there after the build is of this build: a crate may have been renamed.
  for (const file of await modulesOf(finished)) await rm(join(finished, file));
  const environment = {
    CARGO_TARGET_DIR: folder,
    CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f'),
    RUSTC: rust.rustc,
  };
  const args = ['build', '--quiet', '--release', '--offline', '--target', RUST_TARGET, '--manifest-path', manifest];
  const warnings = await runCompiler(rust.cargo, [...args, library ? '--lib' : '--bins'], {
    cwd: dirname(manifest),
    environment,
    signal,
    hint,
  });
  const [module, ...others] = await modulesOf(finished);
  if (module === undefined || others.length > 0) {
    const expected = library
      ? 'a library of crate-type = ["cdylib"] in Cargo.toml'
      : 'one program, such as src/main.rs';
    throw new CloudletError(
      'build-failed',
      `cargo left ${others.length === 0 ? 'no module' : `${others.length + 1} modules`}: expected ${expected}`,
    );
  }
  await cp(join(finished, module), output);
  return warnings;
}

async function modulesOf(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).filter((file) => file.endsWith('.wasm'));
}

/** What to do about a dependency that is not here: cargo's own advice is to go on line, which a build does not. */
function hint(words: string): string | null {
  if (!/no matching package|--offline|offline mode|failed to (load|get|select)/.test(words)) return null;
  return 'A build fetches nothing: bring crates along with "cargo vendor", or name their folders by path.';
}
