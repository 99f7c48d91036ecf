import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './command.ts';

/** Debian's name for the newest kernel made for virtual machines. */
const META_PACKAGE = 'linux-image-cloud-amd64';

/** A Debian package by exact version. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
}

/** Asks the package lists of this machine which kernel an image is built from now. Needs no network. */
export async function resolveKernel(): Promise<DebianPackage> {
  return kernelOf(await runCommand('apt-cache', ['show', '--no-all-versions', META_PACKAGE]));
}

/** Reads the kernel package out of what apt says of the one that stands for the newest: `Depends: NAME (= VERSION)`. */
export function kernelOf(description: string): DebianPackage {
  const [, name, version] = /^Depends:.*?\b(linux-image-[^\s,]+) \(= ([^)]+)\)/m.exec(description) ?? [];
  if (name === undefined || version === undefined) {
    throw new Error(`expected ${META_PACKAGE} to depend on one version of a kernel package; run: apt-get update`);
  }
  return { name, version };
}

/** Downloads a package and unpacks it under `into`, without installing anything. */
export async function unpackPackage(
  { name, version }: DebianPackage,
  into: string,
  signal?: AbortSignal,
): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'cloudlet-packages-'));
  try {
    // apt downloads as a user of its own, which must be able to look into the directory.
    await chmod(scratch, 0o777);
    const options = signal === undefined ? {} : { signal };
    await runCommand('apt-get', ['download', '-q', `${name}=${version}`], { cwd: scratch, ...options });
    for (const file of (await readdir(scratch)).filter((each) => each.endsWith('.deb'))) {
      await runCommand('dpkg-deb', ['-x', join(scratch, file), into], options);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Whether this machine has what `resolveKernel` and `unpackPackage` run. */
export function hasDebianTools(): boolean {
  return existsSync('/usr/bin/apt-get') && existsSync('/usr/bin/dpkg-deb');
}
