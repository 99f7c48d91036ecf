import { join } from 'node:path';
import type { Digest } from '../../../guest-sdk/protocol/index.ts';
import type { DiskLayer, VmImage } from './vm-image.ts';
import { memoryBlockBytes, type VmManifest } from './vm-manifest.ts';

/** Paths of what lies in the directory of an image, its own layers apart. */
export function imageFiles(directory: string): { memory: string; state: string; manifest: string; local: string } {
  return {
    memory: join(directory, 'memory'),
    state: join(directory, 'state'),
    manifest: join(directory, 'manifest.json'),
    local: join(directory, 'local.json'),
  };
}

/** Path of one of the image's own layers; the lowest is 0. */
export function layerFile(directory: string, at: number, format: DiskLayer['format']): string {
  return join(directory, `disk-${at}.${format}`);
}

/** A file of an image: what it is called in sentences, where it lies, and what it must be. */
export interface ImageFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly digest: string;
  /** Length of a block of that; the usual one when it is left out. */
  readonly blockBytes?: number;
}

/** The files that an image in a directory must have, the smallest first; never those of its base. */
export function declaredFiles(directory: string, manifest: VmManifest): ImageFile[] {
  const { memory, state } = imageFiles(directory);
  return [
    { name: 'state', path: state, ...manifest.state },
    { name: 'memory', path: memory, ...manifest.memory, blockBytes: memoryBlockBytes(manifest) },
    ...manifest.layers.map(({ format, bytes, digest }, at) => ({
      name: `disk layer ${at}`,
      path: layerFile(directory, at, format),
      bytes,
      digest,
    })),
  ];
}

/** The image in a directory, on the layers of its base. */
export function imageIn(
  directory: string,
  digest: Digest,
  manifest: VmManifest,
  baseLayers: readonly DiskLayer[],
): VmImage {
  const { kind, conditions, diskBytes, base, service } = manifest;
  const { memory, state } = imageFiles(directory);
  const own = manifest.layers.map(({ format }, at) => ({ path: layerFile(directory, at, format), format }));
  return {
    ...{ digest, kind, directory, memory, state, conditions, diskBytes, base, service },
    disk: [...baseLayers, ...own],
  };
}
