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
  const depends = await runCommand('apt-cache', ['depends', '--important', META_PACKAGE]);
  const name = /Depends: (linux-image-[^\s]+)/.exec(depends)?.[1];
  if (name === undefined)
    throw new Error(`expected ${META_PACKAGE} to depend on a kernel package; run: apt-get update`);
  return { name, version: await candidateOf(name) };
}

async function candidateOf(name: string): Promise<string> {
  const version = /Candidate: (\S+)/.exec(await runCommand('apt-cache', ['policy', name]))?.[1];
  if (version === undefined || version === '(none)')
    throw new Error(`no Debian package ${name} is to be had; run: apt-get update`);
  return version;
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
