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
  /** Folder that the archive unpacks to. */
  readonly folder: string;
  readonly native: readonly string[];
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
    await debianSource({ ...program, folder: scratch });
    const { command, output, absent } = program;
    const folder = join(scratch, program.folder);
    const made = await build(folder, { cache: TEST_CACHE, program: { command, output, absent } });
    await mkdir(join(TEST_CACHE, 'debian-programs'), { recursive: true });
    await writeFile(`${kept}.partial`, await readFile(made.component));
    await rename(`${kept}.partial`, kept);
    return kept;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Unpacks a program as Debian has it below `folder`, and gives how it is run. */
export async function nativeProgram({ native, name }: DebianProgram, folder: string) {
  await debianPackages(native, folder);
  const libraries = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu', 'usr/lib'].map((path) => join(folder, path));
  return { file: join(folder, 'usr/bin', name), env: { LD_LIBRARY_PATH: libraries.join(':') } };
}
