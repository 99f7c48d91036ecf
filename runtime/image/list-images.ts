import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readManifest } from './base-image.ts';

/** An image as listed. */
export interface ListedImage {
  readonly digest: string;
  readonly path: string;
  /** Kernel package and version. */
  readonly kernel: string;
  readonly node: string;
  readonly bytes: number;
}

/** The finished images below a cache directory. Their bytes are checked when they are used, not here. */
export async function listImages(cacheDir: string): Promise<ListedImage[]> {
  const images = join(cacheDir, 'images');
  const names = (await readdir(images).catch(() => [])).filter((name) => /^[0-9a-f]{64}$/.test(name));
  const listed: ListedImage[] = [];
  for (const name of names) {
    const manifest = await readManifest(join(images, name));
    if (manifest === null) continue;
    const { kernel, node, files } = manifest;
    const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
    listed.push({
      digest: `sha256:${name}`,
      path: join(images, name),
      kernel: `${kernel.name} ${kernel.version}`,
      node,
      bytes,
    });
  }
  return listed;
}
