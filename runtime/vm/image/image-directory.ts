import { readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOfHex, hexOf } from '../../../guest-sdk/protocol/index.ts';
import { draftName, isCompleteName, isLeftOver, renameUnlessThere } from '../../machine/index.ts';
import { isMissing } from '../../store/index.ts';
import { isHeld } from './hold.ts';
import { declaredFiles, imageFiles } from './image-files.ts';
import { MAX_MANIFEST_BYTES, parseVmManifest, type VmManifest, vmImageDigest } from './vm-manifest.ts';

/** An image as it lies on disk, its files not looked at. */
export interface StoredImage {
  readonly digest: Digest;
  readonly manifest: VmManifest;
  /** Bytes that it takes on disk. */
  readonly bytes: number;
  /** When it was last used, milliseconds since 1970. */
  readonly usedAt: number;
}

/** The manifest in the directory of an image; a sentence when it is not the one that the digest names, null when there is none. */
export async function readImageManifest(directory: string, digest: Digest): Promise<VmManifest | string | null> {
  const path = imageFiles(directory).manifest;
  try {
    const { size } = await stat(path);
    if (size > MAX_MANIFEST_BYTES) return `its manifest has ${size} bytes, expected at most ${MAX_MANIFEST_BYTES}`;
    const text = await readFile(path, 'utf8');
    return vmImageDigest(text) === digest ? parseVmManifest(text) : 'its manifest is torn, or that of another';
  } catch (error) {
    return isMissing(error) ? null : (error as Error).message;
  }
}

/** Removes what hosts that are gone have left half-made or half-removed. */
export async function sweep(directory: string): Promise<void> {
  const hasManifest = async (path: string) => (await stat(imageFiles(path).manifest).catch(() => null)) !== null;
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (await isLeftOver(path, name, hasManifest)) await rm(path, { recursive: true, force: true });
  }
}

/** All images of a directory; those that cannot be read are left out. */
export async function storedImages(directory: string): Promise<StoredImage[]> {
  const names = (await readdir(directory)).filter(isCompleteName);
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      const manifest = await readImageManifest(path, digestOfHex(name));
      if (manifest === null || typeof manifest === 'string') return null;
      try {
        const files = await Promise.all(declaredFiles(path, manifest).map((file) => stat(file.path)));
        const bytes = files.reduce((sum, { blocks }) => sum + blocks * 512, 0);
        const usedAt = (await stat(imageFiles(path).manifest)).mtimeMs;
        return { digest: digestOfHex(name), manifest, bytes, usedAt };
      } catch {
        return null; // Removed while we looked, or torn: whoever asks for it is told.
      }
    }),
  );
  return found.filter((each) => each !== null);
}

/** Notes that an image is used now. */
export async function touchImage(directory: string): Promise<void> {
  const now = new Date();
  await utimes(imageFiles(directory).manifest, now, now).catch(() => {
    // It was removed just now: whoever uses it will be told.
  });
}

/**
 * Removes an image unless it is in use, or `isNeeded` says so; gives whether it is gone. It is taken away first and looked at again, so
 * that nobody begins to use what is then removed.
 */
export async function dropImage(directory: string, digest: Digest, isNeeded: () => Promise<boolean>): Promise<boolean> {
  const path = join(directory, hexOf(digest));
  if ((await isHeld(path)) || (await isNeeded())) return false;
  const aside = join(directory, draftName('gone'));
  try {
    await rename(path, aside);
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
  const kept = ((await isHeld(aside)) || (await isNeeded())) && (await renameUnlessThere(aside, path));
  if (!kept) await rm(aside, { recursive: true, force: true });
  return !kept;
}
