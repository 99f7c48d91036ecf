import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { type ChangedFrom, freeBytes } from '../../machine/index.ts';
import { asStorageError } from '../../store/index.ts';
import { imageFiles, layerFile } from './image-files.ts';
import { MEMORY_BLOCK_BYTES } from './memory-blocks.ts';
import type { SettledFiles } from './settled-files.ts';
import { verifyImage } from './verify-image.ts';
import type { DiskLayer, VmImage } from './vm-image.ts';
import { parseVmManifest, VM_IMAGE_FORMAT, type VmManifest, vmManifestText } from './vm-manifest.ts';

/** What an image will consist of. */
export interface DraftShape {
  readonly memoryMib: number;
  /** Formats of its own layers, the lowest first. */
  readonly layers: readonly DiskLayer['format'][];
  /** Bytes that its layers may come to, beside its memory: refused with `storage-full` when the disk has no room. */
  readonly layerBytes?: number;
}

/** What is said of an image when it is complete. */
export type MadeImage = Pick<VmManifest, 'kind' | 'key' | 'about' | 'conditions' | 'diskBytes' | 'base' | 'service'> &
  Partial<Pick<VmManifest, 'stockKernel'>>;

/** Empty files for a VM that is to become an image. */
export interface VmImageDraft {
  readonly directory: string;
  /** As large as the VM's memory, all holes. */
  readonly memory: string;
  readonly state: string;
  /** Paths of its own layers. */
  readonly layers: readonly string[];
  /** No process writes the memory (which may be known as another's with changes) and the state any more: they are read while the layers are still written. */
  settle(signal?: AbortSignal, memory?: ChangedFrom): void;
  /** Makes an image of what is in the files; no process may write them any more. */
  commit(made: MadeImage, signal?: AbortSignal): Promise<VmImage>;
  /** Makes the image with this manifest, which came with the files; `image-refused` unless they have the digests that it says. */
  adopt(manifest: string, signal?: AbortSignal): Promise<VmImage>;
  /** Removes the files. Idempotent; does nothing after a commit. */
  discard(): Promise<void>;
}

/** Makes a directory with empty files. Nothing is left when it fails. */
export async function makeImageDraft(directory: string, shape: DraftShape): Promise<void> {
  const bytes = draftBytes(shape);
  const free = await freeBytes(dirname(directory));
  if (free < bytes) {
    const [needs, has] = [Math.ceil(bytes / 2 ** 20), Math.floor(free / 2 ** 20)];
    const sentence = `a saved VM takes up to ${needs} MiB, and ${has} MiB are free in ${dirname(directory)}; free some space, or use --cache with a directory on another disk`;
    throw new CloudletError('storage-full', sentence);
  }
  const { memory, state } = imageFiles(directory);
  try {
    await mkdir(directory, { mode: 0o700 });
    await makeFile(memory, shape.memoryMib * 2 ** 20);
    await makeFile(state, 0);
    for (const [at, format] of shape.layers.entries()) await makeFile(layerFile(directory, at, format), 0);
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw asStorageError(error);
  }
}

/** Bytes of disk that a draft may come to. */
export function draftBytes({ memoryMib, layerBytes = 0 }: DraftShape): number {
  return memoryMib * 2 ** 20 + layerBytes;
}

async function makeFile(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.truncate(bytes);
  } finally {
    await file.close();
  }
}

/** Digests the files of a draft, unless that was done, and writes its manifest, whose text it gives. */
export async function completeImageDraft(
  directory: string,
  formats: readonly DiskLayer['format'][],
  settled: SettledFiles,
  made: MadeImage,
  bootId: string,
  signal?: AbortSignal,
): Promise<string> {
  const paths = imageFiles(directory);
  const layerPaths = formats.map((format, at) => layerFile(directory, at, format));
  const { kind, key, about, conditions, stockKernel, diskBytes, base, service } = made;
  const files = await Promise.all([
    settled.of(paths.state, signal),
    settled.of(paths.memory, signal, { blockBytes: MEMORY_BLOCK_BYTES }),
    ...layerPaths.map((path) => settled.of(path, signal)),
  ]);
  const stamps = files.map(({ stamp }) => stamp);
  const [state, memory, ...own] = files.map(({ bytes, digest }) => ({ bytes, digest }));
  const layers = own.map((layer, at) => ({ format: formats[at]!, ...layer }));
  if (state!.bytes === 0) throw new CloudletError('machine-failed', 'expected the state of a VM, got an empty file');
  const text = vmManifestText({
    ...{ format: VM_IMAGE_FORMAT, kind, key, about, conditions, diskBytes, base, service },
    ...{ memory: memory!, state: state!, layers },
    ...(stockKernel === true ? { stockKernel } : {}),
  });
  try {
    // Nobody waits for the disk: what a loss of power tears is found out in the next boot, in which its bytes are read.
    await writeFile(paths.local, JSON.stringify({ madeAt: Date.now(), bootId, stamps }), { mode: 0o600 });
    await writeFile(paths.manifest, text, { mode: 0o600 });
  } catch (error) {
    throw asStorageError(error);
  }
  return text;
}

/** Checks the files of a draft against the manifest that came with them, and writes that down. */
export async function adoptImageDraft(
  directory: string,
  text: string,
  bootId: string,
  signal?: AbortSignal,
): Promise<VmManifest> {
  const manifest = parseVmManifest(text);
  const wrong = await verifyImage(directory, manifest, bootId, signal);
  if (wrong !== null) throw new CloudletError('image-refused', `the saved VM cannot be used: ${wrong}`);
  try {
    await writeFile(imageFiles(directory).manifest, text, { mode: 0o600 });
  } catch (error) {
    throw asStorageError(error);
  }
  return manifest;
}
