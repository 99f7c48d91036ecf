import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MODULES } from './init-program.ts';
import { type DebianPackage, unpackPackage } from './kernel-package.ts';
import { extractVmlinux } from './vmlinux.ts';

/** What of a kernel package a machine boots. */
export interface KernelFiles {
  /** The ELF kernel. */
  readonly vmlinux: Uint8Array;
  /** `MODULES`, in the order in which they must be loaded. */
  readonly modules: readonly Uint8Array[];
}

/** Downloads a kernel package and takes out of it what a machine boots. The directory `scratch` is made, and removed. */
export async function readKernelFiles(
  kernel: DebianPackage,
  scratch: string,
  signal?: AbortSignal,
): Promise<KernelFiles> {
  try {
    await mkdir(scratch, { recursive: true });
    await unpackPackage(kernel, scratch, signal);
    const release = kernel.name.replace('linux-image-', '');
    const modules: Uint8Array[] = [];
    for (const module of MODULES) {
      modules.push(await readFile(join(scratch, 'lib/modules', release, 'kernel', `${module}.ko`)));
    }
    return { vmlinux: extractVmlinux(await readFile(join(scratch, `boot/vmlinuz-${release}`))), modules };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
