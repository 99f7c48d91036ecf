import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { DirectoryLock } from '../store/index.ts';
import { bundleAgent } from './agent-bundle.ts';
import { type BaseImage, openImage } from './base-image.ts';
import { type BuildProgress, buildImage } from './build-image.ts';
import { digestInputs, type ImageInputs, librariesOf } from './image-inputs.ts';
import { hasDebianTools, resolveKernel } from './kernel-package.ts';
import { missingForImage } from './requirements.ts';

/** Images that are kept: the one in use and the one before it. */
const KEPT = 2;

/** How often a process that waits for another's build looks again, milliseconds. */
const LOCK_RETRY_MS = 250;

/** How an image is had. */
export interface EnsureImageOptions {
  /** Images lie in `images/` below it. */
  readonly cacheDir: string;
  /** Node binary for the guest; default: the one that runs this. */
  readonly node?: string;
  /** Entry point of the agent; default: the product's. Tests bring their own. */
  readonly agentEntry?: string;
  readonly onProgress?: BuildProgress;
  readonly signal?: AbortSignal;
}

/**
 * The base image for the present inputs: the cached one when its bytes are right, else it is built. Several processes may ask at
 * once; one builds. Fails with `sandbox-unavailable` and a remedy where it cannot be built.
 */
export async function ensureImage(options: EnsureImageOptions): Promise<BaseImage> {
  const images = join(options.cacheDir, 'images');
  await mkdir(images, { recursive: true, mode: 0o755 });
  const inputs = await findInputs(options);
  const digest = await digestInputs(inputs);
  const directory = join(images, digest);
  const cached = await openImage(directory, digest);
  if (cached !== null) {
    const now = new Date();
    await utimes(directory, now, now);
    return cached;
  }
  const lock = await takeLock(images, options.signal);
  try {
    const finished = await openImage(directory, digest);
    if (finished !== null) return finished;
    await rm(directory, { recursive: true, force: true });
    const image = await buildInto(images, digest, inputs, options);
    await prune(images, digest);
    return image;
  } finally {
    lock.release();
  }
}

async function findInputs(options: EnsureImageOptions): Promise<ImageInputs> {
  if (!hasDebianTools()) {
    throw new CloudletError(
      'sandbox-unavailable',
      'the base image is built from Debian packages and this machine has no apt-get; use Debian, or --sandbox process',
    );
  }
  const missing = missingForImage();
  if (missing.length > 0) {
    throw new CloudletError(
      'sandbox-unavailable',
      `building the base image needs ${missing.join(' ')}; run: apt-get install -y --no-install-recommends ${missing.join(' ')}`,
    );
  }
  const node = options.node ?? process.execPath;
  try {
    const [kernel, libraries, agent] = await Promise.all([
      resolveKernel(),
      librariesOf(node),
      bundleAgent(options.agentEntry),
    ]);
    return { kernel, node, libraries, agent };
  } catch (error) {
    throw new CloudletError('sandbox-unavailable', `the base image cannot be built: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function buildInto(
  images: string,
  digest: string,
  inputs: ImageInputs,
  options: EnsureImageOptions,
): Promise<BaseImage> {
  const temporary = join(images, `.building-${digest}`);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { mode: 0o755 });
  try {
    const manifest = await buildImage(inputs, temporary, options);
    await writeFile(join(temporary, 'manifest.json'), JSON.stringify(manifest, null, 2));
    await rename(temporary, join(images, digest));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    options.signal?.throwIfAborted();
    throw new CloudletError('sandbox-unavailable', `the base image could not be built: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const image = await openImage(join(images, digest), digest);
  if (image === null)
    throw new CloudletError(
      'storage-corrupt',
      `the base image in ${images} changed while it was written; check the disk`,
    );
  return image;
}

async function takeLock(images: string, signal: AbortSignal | undefined): Promise<DirectoryLock> {
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await DirectoryLock.take(images);
    } catch (error) {
      if (!(error instanceof CloudletError) || error.code !== 'conflict') throw error;
      await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
    }
  }
}

/** Removes all images but the newest, and what died while building. */
async function prune(images: string, current: string): Promise<void> {
  const names = (await readdir(images)).filter((name) => /^(\.building-)?[0-9a-f]{64}/.test(name) && name !== current);
  const aged = await Promise.all(
    names.map(async (name) => ({ name, usedAt: (await stat(join(images, name))).mtimeMs })),
  );
  aged.sort((a, b) => b.usedAt - a.usedAt);
  const kept = aged.filter(({ name }) => !name.startsWith('.')).slice(0, KEPT - 1);
  for (const { name } of aged) {
    if (!kept.some((each) => each.name === name)) await rm(join(images, name), { recursive: true, force: true });
  }
}
