import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { DirectoryLock } from '../store/index.ts';
import { bundleAgent } from './agent-bundle.ts';
import { type BaseImage, openImage, readManifest } from './base-image.ts';
import { type BuildProgress, buildImage } from './build-image.ts';
import { digestInputs, digestOwn, type ImageInputs, librariesOf, type OwnInputs } from './image-inputs.ts';
import { ImageMemo } from './image-memo.ts';
import { type DebianPackage, hasDebianTools, resolveKernel } from './kernel-package.ts';
import { missingForImage } from './requirements.ts';

/** Images that are kept: the one in use and the one before it. */
const KEPT = 2;

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
 * once; one builds. Where Debian has a newer kernel than the cached image and it cannot be had, the newest image that
 * differs in nothing else serves on, and says so. Fails with `sandbox-unavailable` and a remedy where there is none.
 */
export async function ensureImage(options: EnsureImageOptions): Promise<BaseImage> {
  const images = join(options.cacheDir, 'images');
  await mkdir(images, { recursive: true, mode: 0o755 });
  const memo = await ImageMemo.open(join(images, 'memo.json'));
  const digest = (path: string) => memo.digest(path);
  const inputs = await findOwnInputs(options);
  const own = await digestOwn(inputs, digest);
  const image = await presentImage(images, { ...inputs, own }, memo, options).catch(async (error: unknown) => {
    options.signal?.throwIfAborted();
    const older = await newestOf(images, own, digest);
    if (older === null) throw error;
    return { ...older, outdated: `${older.manifest.kernel.version} of the guest kernel is used: ${reason(error)}` };
  });
  const now = new Date();
  await Promise.all([utimes(image.directory, now, now), memo.save()]).catch(() => {
    // On a full or read-only disk nothing is remembered, and found out again the next time.
  });
  return image;
}

const reason = (error: unknown) => (error instanceof Error ? error.message : String(error));

async function findOwnInputs(options: EnsureImageOptions): Promise<OwnInputs> {
  const node = options.node ?? process.execPath;
  try {
    const [libraries, agent] = await Promise.all([librariesOf(node), bundleAgent(options.agentEntry)]);
    return { node, libraries, agent };
  } catch (error) {
    throw new CloudletError('sandbox-unavailable', `the base image cannot be built: ${reason(error)}`, {
      cause: error,
    });
  }
}

async function presentImage(
  images: string,
  inputs: Omit<ImageInputs, 'kernel'>,
  memo: ImageMemo,
  options: EnsureImageOptions,
): Promise<BaseImage> {
  const digest = (path: string) => memo.digest(path);
  const kernel = await memo.kernel(findKernel);
  const directory = join(images, digestInputs({ own: inputs.own, kernel }));
  const cached = await openImage(directory, digest);
  if (cached !== null) return cached;
  const missing = missingForImage();
  if (missing.length > 0) {
    throw new CloudletError(
      'sandbox-unavailable',
      `building the base image needs ${missing.join(' ')}; run: apt-get install -y --no-install-recommends ${missing.join(' ')}`,
    );
  }
  const lock = await DirectoryLock.takeWhenFree(images, options.signal);
  try {
    const finished = await openImage(directory, digest);
    if (finished !== null) return finished;
    await rm(directory, { recursive: true, force: true });
    await buildInto(directory, { ...inputs, kernel }, options);
    await prune(images, basename(directory));
  } finally {
    lock.release();
  }
  const built = await openImage(directory, digest);
  if (built !== null) return built;
  throw new CloudletError(
    'storage-corrupt',
    `the base image in ${images} changed while it was written; check the disk`,
  );
}

async function findKernel(): Promise<DebianPackage> {
  if (!hasDebianTools()) {
    throw new CloudletError(
      'sandbox-unavailable',
      'the base image is built from Debian packages and this machine has no apt-get; use Debian, or --sandbox process',
    );
  }
  try {
    return await resolveKernel();
  } catch (error) {
    throw new CloudletError('sandbox-unavailable', `the base image cannot be built: ${reason(error)}`, {
      cause: error,
    });
  }
}

async function buildInto(directory: string, inputs: ImageInputs, options: EnsureImageOptions): Promise<void> {
  const temporary = join(dirname(directory), `.building-${basename(directory)}`);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { mode: 0o755 });
  try {
    const manifest = await buildImage(inputs, temporary, options);
    await writeFile(join(temporary, 'manifest.json'), JSON.stringify(manifest, null, 2));
    await rename(temporary, directory);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    options.signal?.throwIfAborted();
    throw new CloudletError('sandbox-unavailable', `the base image could not be built: ${reason(error)}`, {
      cause: error,
    });
  }
}

/** The image that was used last of those made from these inputs and any kernel; null when none is whole. */
async function newestOf(
  images: string,
  own: string,
  digest: (path: string) => Promise<string>,
): Promise<BaseImage | null> {
  for (const name of await byLastUse(images)) {
    const directory = join(images, name);
    if ((await readManifest(directory))?.own !== own) continue;
    const image = await openImage(directory, digest);
    if (image !== null) return image;
  }
  return null;
}

/** Removes all images but the newest, and what died while building. */
async function prune(images: string, current: string): Promise<void> {
  const names = (await byLastUse(images)).filter((name) => name !== current);
  const dead = (await readdir(images)).filter((name) => name.startsWith('.building-'));
  for (const name of [...names.slice(KEPT - 1), ...dead])
    await rm(join(images, name), { recursive: true, force: true });
}

/** Names of the finished images, the one that was used last first. */
async function byLastUse(images: string): Promise<string[]> {
  const names = (await readdir(images)).filter((name) => /^[0-9a-f]{64}$/.test(name));
  const aged = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(images, name))).mtimeMs })));
  return aged.sort((a, b) => b.at - a.at).map(({ name }) => name);
}
