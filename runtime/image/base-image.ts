import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFile } from './image-inputs.ts';
import type { DebianPackage } from './kernel-package.ts';

/** The files of an image, by what they are. */
export const IMAGE_FILES = { kernel: 'vmlinux', initrd: 'initrd.cpio', root: 'root.ext4' } as const;

/** What lies beside an image's files as `manifest.json`. */
export interface ImageManifest {
  readonly format: 1;
  readonly kernel: DebianPackage;
  /** Version of the Node inside. */
  readonly node: string;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

/** Kernel and root file system that boot to the agent. Immutable. */
export interface BaseImage {
  /** Digest of the inputs, in hexadecimal: its name. */
  readonly digest: string;
  readonly directory: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly root: string;
  readonly manifest: ImageManifest;
}

/** Opens an image and checks every byte of it against its manifest; null when it is missing, of another format, torn or changed. */
export async function openImage(directory: string, digest: string): Promise<BaseImage | null> {
  let manifest: ImageManifest;
  try {
    manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as ImageManifest;
  } catch {
    return null; // Missing or torn: it is built again.
  }
  if (manifest.format !== 1) return null;
  for (const file of Object.values(IMAGE_FILES)) {
    const actual = await digestFile(join(directory, file)).catch(() => null);
    if (actual === null || actual !== manifest.files[file]?.sha256) return null;
  }
  const path = (file: keyof typeof IMAGE_FILES) => join(directory, IMAGE_FILES[file]);
  return { digest, directory, kernel: path('kernel'), initrd: path('initrd'), root: path('root'), manifest };
}
