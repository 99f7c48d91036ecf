import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DebianPackage } from './kernel-package.ts';

/** The files of an image, by what they are. */
export const IMAGE_FILES = { kernel: 'vmlinux', initrd: 'initrd.cpio', root: 'root.ext4' } as const;

/** What lies beside an image's files as `manifest.json`. */
export interface ImageManifest {
  readonly format: 2;
  readonly kernel: DebianPackage;
  /** Digest of everything else that it was made from. */
  readonly own: string;
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
  /** Why this is not the image of the newest kernel, one sentence; absent when it is. */
  readonly outdated?: string;
}

/**
 * Opens an image and checks every byte of it against its manifest; null when it is missing, of another format, torn or changed.
 * `digest` gives the SHA-256 of a file.
 */
export async function openImage(
  directory: string,
  digest: (path: string) => Promise<string>,
): Promise<BaseImage | null> {
  const manifest = await readManifest(directory);
  if (manifest === null) return null;
  for (const file of Object.values(IMAGE_FILES)) {
    const actual = await digest(join(directory, file)).catch(() => null);
    if (actual === null || actual !== manifest.files[file]?.sha256) return null;
  }
  const path = (file: keyof typeof IMAGE_FILES) => join(directory, IMAGE_FILES[file]);
  const [kernel, initrd, root] = [path('kernel'), path('initrd'), path('root')];
  return { digest: basename(directory), directory, kernel, initrd, root, manifest };
}

/** The manifest of the image in a directory; null when it is missing, torn or of another format. */
export async function readManifest(directory: string): Promise<ImageManifest | null> {
  try {
    const manifest = JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as ImageManifest;
    return manifest.format === 2 ? manifest : null;
  } catch {
    return null; // Whoever needs the image builds it again.
  }
}
