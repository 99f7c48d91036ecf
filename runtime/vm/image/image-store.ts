import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudletError, type Digest, hexOf } from '../../../guest-sdk/protocol/index.ts';
import {
  type ComputerConditions,
  draftName,
  freeBytes,
  renameUnlessThere,
  unlessAborted,
} from '../../machine/index.ts';
import { expectConditions, whatDiffers } from './conditions.ts';
import { isHeld, putHold } from './hold.ts';
import { dropImage, readImageManifest, type StoredImage, storedImages, sweep, touchImage } from './image-directory.ts';
import {
  adoptImageDraft,
  completeImageDraft,
  type DraftShape,
  draftBytes,
  makeImageDraft,
  type VmImageDraft,
} from './image-draft.ts';
import { imageFiles, imageIn, layerFile } from './image-files.ts';
import { MEMORY_BLOCK_BYTES } from './memory-blocks.ts';
import { SettledFiles } from './settled-files.ts';
import { readLocalFacts, verifyImage } from './verify-image.ts';
import type { VmImage } from './vm-image.ts';
import { parseVmManifest, type VmManifest, vmImageDigest } from './vm-manifest.ts';

/** How a store is made. */
export interface VmImageStoreOptions {
  /** Several hosts may have one. */
  readonly directory: string;
  /** Bytes on disk beyond which images go, the least recently used first. */
  readonly budgetBytes: number;
  /** Under what VMs run here; asked when an image is first looked for. */
  readonly computer: () => Promise<ComputerConditions>;
  /** Told one sentence when an image was refused. */
  readonly refused?: (sentence: string) => void;
}

/** An image that is not removed as long as it is held. */
export interface HeldVmImage {
  readonly image: VmImage;
  /** Lets go. Idempotent. */
  release(): Promise<void>;
}

/** An image as listed. */
export interface ListedVmImage extends StoredImage {
  /** When it came to this computer, milliseconds since 1970; null when that is not known. */
  readonly madeAt: number | null;
  readonly inUse: boolean;
  /** Why it cannot be restored here, a clause; null when it can. */
  readonly unusable: string | null;
}

/** Images of VMs by digest. What it gives was found whole and fits this computer; what is not whole is removed. */
export class VmImageStore {
  readonly #options: VmImageStoreOptions;
  readonly #bootId: string;
  #computer: Promise<ComputerConditions> | null = null;
  /** What was just committed: it is not removed to make room. */
  readonly #committing = new Set<Digest>();
  /** Images that are being looked at: who asks meanwhile gets the same answer. */
  readonly #checks = new Map<Digest, Promise<VmImage | null>>();

  private constructor(options: VmImageStoreOptions, bootId: string) {
    this.#options = options;
    this.#bootId = bootId;
  }

  /** Opens the store, made when missing, and removes what a host that is gone has left half-made or half-removed. */
  static async open(options: VmImageStoreOptions): Promise<VmImageStore> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    await sweep(options.directory);
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    return new VmImageStore(options, bootId);
  }

  /** Where images lie, on the disk that drafts may use. */
  get directory(): string {
    return this.#options.directory;
  }

  /** Bytes on disk that all images together may take. */
  get budgetBytes(): number {
    return this.#options.budgetBytes;
  }

  /**
   * The image of this digest; null when there is none, or what there was had to be refused and is gone. `conditions-differ` when it
   * cannot be restored here.
   */
  async find(digest: Digest, signal?: AbortSignal): Promise<VmImage | null> {
    const image = await unlessAborted(this.#check(digest), signal);
    if (image === null) return null;
    expectConditions(image.conditions, await this.computer());
    for (const each of image.base === null ? [digest] : [digest, image.base]) await touchImage(this.#path(each));
    return image;
  }

  /** The image that was made from what `key` names and can be restored here, the last used of several; null when there is none. */
  async findMade(kind: VmImage['kind'], key: string, signal?: AbortSignal): Promise<VmImage | null> {
    const here = await this.computer();
    const made = (await storedImages(this.directory)).filter(
      ({ manifest }) =>
        manifest.kind === kind && manifest.key === key && whatDiffers(manifest.conditions, here) === null,
    );
    for (const { digest } of made.sort((a, b) => b.usedAt - a.usedAt)) {
      const image = await this.find(digest, signal);
      if (image !== null) return image;
    }
    return null;
  }

  /** As `find`; the image stays until it is let go: while VMs of it run, or something is made on it. */
  async hold(digest: Digest, signal?: AbortSignal): Promise<HeldVmImage | null> {
    const mark = await putHold(this.#path(digest)).catch(() => null); // There is none: `find` says so.
    const release = async () => (mark === null ? undefined : await rm(mark, { force: true }));
    try {
      const image = await this.find(digest, signal);
      if (image !== null && mark !== null) return { image, release };
    } catch (error) {
      await release();
      throw error;
    }
    await release();
    return null;
  }

  /** Under what VMs run on this computer. */
  computer(): Promise<ComputerConditions> {
    this.#computer ??= this.#options.computer().catch((error: unknown) => {
      this.#computer = null; // Whoever asks next may have installed what was missing.
      throw error;
    });
    return this.#computer;
  }

  /**
   * Empty files for a VM that will be saved. Other images go when the disk has no room for it; `storage-full` when that is not enough.
   * Whoever makes a service holds its base meanwhile.
   */
  async draft(shape: DraftShape): Promise<VmImageDraft> {
    const directory = join(this.directory, draftName('vm'));
    await this.#removeWhile(async () => (await freeBytes(this.directory)) < draftBytes(shape));
    await makeImageDraft(directory, shape);
    const { memory, state } = imageFiles(directory);
    const layers = shape.layers.map((format, at) => layerFile(directory, at, format));
    const settled = new SettledFiles();
    return {
      ...{ directory, memory, state, layers },
      settle: (signal, from) => {
        settled.settle(memory, signal, { blockBytes: MEMORY_BLOCK_BYTES, from });
        settled.settle(state, signal);
      },
      discard: async () => {
        await settled.over();
        await rm(directory, { recursive: true, force: true });
      },
      commit: async (made, signal) => {
        const text = await completeImageDraft(directory, shape.layers, settled, made, this.#bootId, signal);
        return this.#place(directory, parseVmManifest(text), vmImageDigest(text));
      },
      adopt: async (text, signal) => {
        const manifest = await adoptImageDraft(directory, text, this.#bootId, signal);
        return this.#place(directory, manifest, vmImageDigest(text));
      },
    };
  }

  /** Puts a complete draft in its place, unless another host was faster: what it made is the same, and may be in use. */
  async #place(draft: string, manifest: VmManifest, digest: Digest): Promise<VmImage> {
    const isHere = () => manifest.base === null || this.#has(manifest.base);
    if (!(await isHere())) throw baseUnknown(manifest.base!);
    this.#committing.add(digest);
    try {
      if (!(await renameUnlessThere(draft, this.#path(digest)))) {
        // What is not whole is removed by looking for it, or has no manifest.
        if ((await this.#check(digest)) === null) await rm(this.#path(digest), { recursive: true, force: true });
        if (!(await renameUnlessThere(draft, this.#path(digest)))) await rm(draft, { recursive: true, force: true });
      }
      if (!(await isHere())) {
        await this.remove(digest);
        throw baseUnknown(manifest.base!);
      }
      const image = await this.#check(digest);
      if (image === null) throw new CloudletError('storage-corrupt', `${digest} was removed while it was put in place`);
      await this.trim();
      return image;
    } finally {
      this.#committing.delete(digest);
    }
  }

  /** What is on disk, whether it can be restored here or not. */
  stored(): Promise<readonly StoredImage[]> {
    return storedImages(this.directory);
  }

  /** All images, the last used first. */
  async list(): Promise<ListedVmImage[]> {
    const here = await this.computer().catch(() => null); // Without QEMU there are images all the same.
    const stored = (await storedImages(this.directory)).sort((a, b) => b.usedAt - a.usedAt);
    return Promise.all(
      stored.map(async (each) => ({
        ...each,
        madeAt: (await readLocalFacts(this.#path(each.digest)))?.madeAt ?? null,
        inUse: await isHeld(this.#path(each.digest)),
        unusable: here === null ? 'no VM can run here' : whatDiffers(each.manifest.conditions, here),
      })),
    );
  }

  /** Removes an image; false when there is none. `conflict` while VMs of it run, or service VMs lie on it. */
  async remove(digest: Digest): Promise<boolean> {
    if (!(await this.#has(digest))) return false;
    if (await dropImage(this.directory, digest, () => this.#isBaseOfAny(digest))) return true;
    const why = (await this.#isBaseOfAny(digest)) ? 'saved services lie on it; remove those first' : 'it is in use';
    throw new CloudletError('conflict', `${digest} cannot be removed: ${why}`);
  }

  /** Bytes on disk and number of the images. */
  async usage(): Promise<{ readonly bytes: number; readonly images: number }> {
    const all = await storedImages(this.directory);
    return { bytes: all.reduce((sum, { bytes }) => sum + bytes, 0), images: all.length };
  }

  /** Removes what goes beyond the budget. */
  trim(): Promise<void> {
    return this.#removeWhile((bytes) => bytes > this.#options.budgetBytes);
  }

  /** Removes the least recently used first while there is too much, never what is in use, nor a base that something lies on. */
  async #removeWhile(isTooMuch: (bytes: number) => boolean | Promise<boolean>): Promise<void> {
    const all = await storedImages(this.directory);
    let bytes = all.reduce((sum, each) => sum + each.bytes, 0);
    // A service and its base have the same time: the service goes first.
    const age = (each: StoredImage) => each.usedAt + (each.manifest.base === null ? 1 : 0);
    for (const each of all.sort((a, b) => age(a) - age(b))) {
      if (!(await isTooMuch(bytes))) return;
      if (this.#committing.has(each.digest)) continue;
      if (await dropImage(this.directory, each.digest, () => this.#isBaseOfAny(each.digest))) bytes -= each.bytes;
    }
  }

  async #isBaseOfAny(digest: Digest): Promise<boolean> {
    return (await storedImages(this.directory)).some(({ manifest }) => manifest.base === digest);
  }

  async #has(digest: Digest): Promise<boolean> {
    return (await stat(imageFiles(this.#path(digest)).manifest).catch(() => null)) !== null;
  }

  /** The image, if it is whole; one that is not whole is refused, once for all who ask at the same time. */
  #check(digest: Digest): Promise<VmImage | null> {
    const running = this.#checks.get(digest);
    if (running !== undefined) return running;
    const check = this.#open(digest).finally(() => this.#checks.delete(digest));
    this.#checks.set(digest, check);
    return check;
  }

  async #open(digest: Digest): Promise<VmImage | null> {
    const directory = this.#path(digest);
    const manifest = await readImageManifest(directory, digest);
    if (manifest === null) return null;
    if (typeof manifest === 'string') return this.#refuse(digest, manifest);
    const wrong = await verifyImage(directory, manifest, this.#bootId);
    if (wrong !== null) return this.#refuse(digest, wrong);
    if (manifest.base === null) return imageIn(directory, digest, manifest, []);
    const base = await this.#check(manifest.base);
    if (base === null) return this.#refuse(digest, `its base ${manifest.base} is not here any more`);
    return imageIn(directory, digest, manifest, base.disk);
  }

  async #refuse(digest: Digest, why: string): Promise<null> {
    // Files may be gone before the manifest is: then it is none, and whoever opens the store next removes the rest.
    await rm(imageFiles(this.#path(digest)).manifest, { force: true });
    await rm(this.#path(digest), { recursive: true, force: true });
    this.#options.refused?.(`a saved VM, ${digest}, was refused and removed: ${why}`);
    return null;
  }

  #path(digest: Digest): string {
    return join(this.directory, hexOf(digest));
  }
}

function baseUnknown(base: Digest): CloudletError {
  const sentence = `the saved VM lies on base ${base}, which is not here; import that first: npx cloudlet vm base import FILE`;
  return new CloudletError('base-unknown', sentence);
}
