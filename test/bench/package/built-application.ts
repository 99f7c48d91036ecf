import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programToolchain } from '../../../guest-sdk/build/foreign/toolchain.ts';
import { build, pack } from '../../../guest-sdk/build/index.ts';
import type { WrittenPackage } from '../../../guest-sdk/protocol/index.ts';
import { nativeProgram, unpackedSource } from '../../support/debian-program.ts';
import { BENCH_CACHE } from '../synthesis/prepared.ts';
import type { PackagedApplication } from './applications.ts';

/** A version of an application, ready to be published. */
export interface PackagedVersion {
  readonly component: Uint8Array;
  readonly packed: WrittenPackage;
}

/** An application in two versions, the second after a small change of its code. */
export interface BuiltApplication {
  readonly first: PackagedVersion;
  readonly second: PackagedVersion;
  /** Of the first, from its unpacked source, seconds. */
  readonly buildS: number;
}

/** Builds both versions of an application and gets its data, unless that was done; packs them. */
export async function builtApplication(
  application: PackagedApplication,
  say: (line: string) => void,
): Promise<BuiltApplication> {
  const folder = await preparedFolder(application, say);
  const grant = {
    files: [...(application.program.data?.files ?? [])],
    limits: { memoryMib: 256, deadlineMs: 300_000, cpuMs: 300_000 },
  };
  const version = async (file: string): Promise<PackagedVersion> => {
    const component = join(folder, file);
    return { component: await readFile(component), packed: await pack({ component, grant, folder }) };
  };
  return {
    first: await version('first.wasm'),
    second: await version('second.wasm'),
    buildS: Number(await readFile(join(folder, 'build-s'), 'utf8')),
  };
}

async function preparedFolder(
  { name, program, change }: PackagedApplication,
  say: (line: string) => void,
): Promise<string> {
  const context = { onProgress: () => undefined, signal: undefined, cache: BENCH_CACHE };
  // Made before the clock runs: it is made once for a computer.
  const { folder: toolchain } = await programToolchain(context);
  const key = createHash('sha256')
    .update(JSON.stringify([program, change, toolchain]))
    .digest('hex');
  const folder = join(BENCH_CACHE, 'packages', `${name}-${key.slice(0, 16)}`);
  const kept = await readFile(join(folder, 'build-s')).catch(() => null);
  if (kept !== null) return folder;
  const making = `${folder}.partial`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  say(`getting ${name} of Debian`);
  const native = await nativeProgram(program, join(making, 'native'));
  await program.data?.make(native, making);
  const source = await unpackedSource(program, join(making, 'source'));
  const { command, output, absent } = program;
  const built = async (file: string): Promise<number> => {
    say(`building ${name}, its ${file.replace('.wasm', '')} version`);
    const began = performance.now();
    const { component } = await build(source, { cache: BENCH_CACHE, program: { command, output, absent } });
    const seconds = (performance.now() - began) / 1000;
    await copyFile(component, join(making, file));
    return seconds;
  };
  const buildS = await built('first.wasm');
  await edit(join(source, change.file), change.from, change.to);
  await built('second.wasm');
  for (const used of ['native', 'source']) await rm(join(making, used), { recursive: true });
  await writeFile(join(making, 'build-s'), String(buildS));
  await rm(folder, { recursive: true, force: true });
  await rename(making, folder);
  return folder;
}

/** Replaces text of a source that stands there once. */
async function edit(file: string, from: string, to: string): Promise<void> {
  const parts = (await readFile(file, 'utf8')).split(from);
  if (parts.length !== 2)
    throw new Error(`expected ${JSON.stringify(from)} once in ${file}, got it ${parts.length - 1} times`);
  await writeFile(file, parts.join(to));
}
