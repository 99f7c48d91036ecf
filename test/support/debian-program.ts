/**
 * Programs of Debian, unmodified: built from their source packages as components, and as Debian itself built them.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianPackages, debianSource } from '../../examples/debian.mjs';
import { programToolchain } from '../../guest-sdk/build/foreign/toolchain.ts';
import { build, type ProgramBuild } from '../../guest-sdk/build/index.ts';
import { TEST_CACHE } from './microvm-lab.ts';

/** A program: its source, how it is built, and the packages in which Debian has it. */
export interface DebianProgram extends ProgramBuild {
  readonly name: string;
  readonly package: string;
  readonly archive: string;
  readonly sha256: string;
  /** Folder that the archive unpacks to, in which the command is run. */
  readonly folder: string;
  /** Sources of libraries that its command builds before it. */
  readonly libraries?: readonly Pick<DebianProgram, 'package' | 'archive' | 'sha256'>[];
  readonly native: readonly string[];
}

/** A program as Debian has it, and how it is run. */
export interface NativeProgram {
  /** Where its packages are unpacked. */
  readonly folder: string;
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The component of a program, kept by the digest of its source, its build and the toolchain. */
export async function programComponent(program: DebianProgram): Promise<string> {
  const { folder: toolchain } = await programToolchain({
    ...{ onProgress: () => undefined, signal: undefined, cache: TEST_CACHE },
  });
  const key = createHash('sha256')
    .update(JSON.stringify([program, toolchain]))
    .digest('hex')
    .slice(0, 16);
  const kept = join(TEST_CACHE, 'debian-programs', `${program.name}-${key}.wasm`);
  const isKept = await access(kept).then(
    () => true,
    () => false,
  );
  if (isKept) return kept;
  const scratch = await mkdtemp(join(tmpdir(), 'cloudlet-test-program-'));
  try {
    const { command, output, absent } = program;
    const folder = await unpackedSource(program, scratch);
    const made = await build(folder, { cache: TEST_CACHE, program: { command, output, absent } });
    await mkdir(join(TEST_CACHE, 'debian-programs'), { recursive: true });
    await writeFile(`${kept}.partial`, await readFile(made.component));
    await rename(`${kept}.partial`, kept);
    return kept;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Unpacks the source of a program and its libraries below `folder`, and gives the folder in which it is built. */
export async function unpackedSource(program: DebianProgram, folder: string): Promise<string> {
  for (const source of [...(program.libraries ?? []), program]) await debianSource({ ...source, folder });
  return join(folder, program.folder);
}

/** Unpacks a program as Debian has it below `folder`, and gives how it is run. */
export async function nativeProgram({ native, name }: DebianProgram, folder: string): Promise<NativeProgram> {
  await debianPackages(native, folder);
  const libraries = [
    ...['', '/blas', '/lapack'].map((place) => `usr/lib/x86_64-linux-gnu${place}`),
    ...['lib/x86_64-linux-gnu', 'usr/lib'],
  ].map((path) => join(folder, path));
  return { folder, file: join(folder, 'usr/bin', name), env: { LD_LIBRARY_PATH: libraries.join(':') } };
}
