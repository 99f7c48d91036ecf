import { open } from 'node:fs/promises';
import { CloudletError, hexOf } from '../../../../guest-sdk/protocol/index.ts';
import { type Accelerator, copySparse } from '../../../machine/index.ts';
import { type BlockServer, serveBlocks } from '../../../vm/disk/block-server.ts';
import { LayeredDisk } from '../../../vm/disk/layered-disk.ts';
import type { HeldVmImage, VmImage, VmImageDraft, VmImageStore } from '../../../vm/image/index.ts';
import type { RestoreVmOptions, StartedVm } from '../../../vm/machine/vm-options.ts';
import type { PartSource, RungProgress } from '../../deployment/rung.ts';
import { Applier } from '../apply/applier.ts';
import type { ReadManifest } from '../overlay-manifest.ts';
import { ArrivingDisk } from './arriving-disk.ts';
import { expectOverlayFits } from './overlay-fits.ts';
import { SegmentFeed } from './segment-feed.ts';

/** What a synthesis is made of. */
export interface SynthesisOptions {
  readonly overlay: ReadManifest;
  readonly images: VmImageStore;
  /** Where segments come from; asking for one moves it to the front. */
  readonly parts: PartSource;
  readonly accelerator: Accelerator;
  /** Name of the VM. */
  readonly id: string;
  readonly restore: (options: RestoreVmOptions) => Promise<StartedVm>;
  readonly report?: (progress: RungProgress) => void;
  /** Ends it, the VM too, as long as the image is not complete. */
  readonly signal: AbortSignal;
}

/** A service VM that runs while the rest of it still comes. */
export interface Synthesis {
  /** It has its identity, and goes on where the server was saved. Whoever has it closes it. */
  readonly vm: StartedVm;
  /**
   * The VM as an image, when the last segment was applied and all is on the disk. Rejects with why not; the VM has been ended then, and nothing is
   * left.
   */
  readonly image: Promise<VmImage>;
}

/**
 * Makes a service VM of its base and an overlay that is arriving. It runs as soon as its memory is complete; blocks of its disk that have not come yet
 * are waited for when it reads them, and come first then. `base-unknown`, `conditions-differ` before anything is asked for; `overlay-refused` when a
 * segment is not what the manifest says. When it rejects nothing is left.
 */
export async function synthesize(options: SynthesisOptions): Promise<Synthesis> {
  const { overlay, images, signal } = options;
  const base = await expectOverlayFits(overlay.manifest, images, signal);
  const run = new Run(options, base);
  try {
    const vm = await run.start();
    const image = run.complete(vm);
    image.catch(() => undefined); // Whoever waits for it is told.
    return { vm, image };
  } catch (error) {
    await run.abandon();
    throw error;
  }
}

/** What a synthesis has open. */
class Run {
  readonly #options: SynthesisOptions;
  readonly #base: HeldVmImage;
  readonly #stop = new AbortController();
  #draft: VmImageDraft | null = null;
  #applier: Applier | null = null;
  #feed: SegmentFeed | null = null;
  #disk: ArrivingDisk | null = null;
  #server: BlockServer | null = null;
  readonly #closing: (() => Promise<void>)[] = [];

  constructor(options: SynthesisOptions, base: HeldVmImage) {
    this.#options = options;
    this.#base = base;
  }

  /** Resolves when the VM runs. */
  async start(): Promise<StartedVm> {
    const { overlay, images, restore, report, accelerator, id } = this.#options;
    const { manifest } = overlay;
    const { image: base } = this.#base;
    const signal = AbortSignal.any([this.#options.signal, this.#stop.signal]);
    const { memoryMib, vcpus } = manifest.conditions;
    const layerBytes = manifest.segments.reduce((sum, each) => sum + (each.kind === 'disk' ? each.pages * 4096 : 0), 0);
    const draft = await images.draft({ memoryMib, layers: ['qcow2'], layerBytes });
    this.#draft = draft;
    const layerPath = draft.layers[0]!;
    const lower = await LayeredDisk.open(base.disk, base.diskBytes);
    this.#closing.push(() => lower.close());
    const layer = await open(layerPath, 'r');
    this.#closing.push(() => layer.close());
    const disk = new ArrivingDisk({
      base: lower,
      layer,
      blocks: overlay.blocks,
      want: (segment) => this.#feed?.want(segment),
    });
    this.#disk = disk;
    const job = {
      segments: manifest.segments,
      base: { memory: base.memory, disk: base.disk },
      memoryBytes: memoryMib * 2 ** 20,
      diskBytes: base.diskBytes,
      ...{ memory: draft.memory, state: draft.state, layer: layerPath },
    };
    const applier = new Applier(job);
    this.#applier = applier;
    // Pages are written into the copy: it must be complete before the first one.
    const copied = copySparse(base.memory, draft.memory, signal);
    copied.catch(() => undefined); // The first segment is told.
    const feed = new SegmentFeed({
      segments: manifest.segments,
      source: this.#options.parts,
      apply: async (index, bytes) => {
        await copied;
        disk.arrive(index, await applier.apply(index, bytes));
      },
      onBytes: (bytesDone, bytesTotal) => report?.({ stage: 'receiving', bytesDone, bytesTotal }),
      signal,
    });
    this.#feed = feed;
    feed.start();
    await copied.catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
    // QEMU is there when the last of the memory comes.
    const complete = feed.memory.then(() => report?.({ stage: 'starting' }));
    complete.catch(() => undefined); // The restore is told.
    const vm = restore({
      id,
      shape: { accelerator, memoryMib, vcpus },
      disk: {
        layers: [],
        bytes: base.diskBytes,
        growthBytes: manifest.service.limits.diskMib * 2 ** 20,
        serve: (connection) => {
          this.#server = serveBlocks(connection, disk);
        },
      },
      cpus: manifest.service.limits.cpus,
      memory: draft.memory,
      state: draft.state,
      complete,
      signal,
    });
    return await vm.catch((error: unknown) => {
      throw refusedState(error) ?? error;
    });
  }

  /** Resolves with the image when the last segment was applied; the VM goes on, and the disk is served to it as long as it does. */
  async complete(vm: StartedVm): Promise<VmImage> {
    void vm.exited.then(() => this.#endDisk());
    // While the disk still comes: at the end little is left to do.
    this.#draft!.settle(this.#stop.signal);
    const { overlay } = this.#options;
    const { manifest, digest } = overlay;
    try {
      await this.#feed!.all;
      await this.#applier!.finish();
      await this.#applier!.close();
      const image = await this.#draft!.commit({
        kind: 'service',
        key: hexOf(digest),
        about: manifest.about,
        conditions: manifest.conditions,
        diskBytes: manifest.diskBytes,
        base: manifest.base,
        service: manifest.service,
      });
      await this.#base.release();
      return image;
    } catch (error) {
      await vm.close();
      await this.abandon(error);
      throw error;
    }
  }

  /** Leaves nothing. */
  async abandon(why: unknown = new CloudletError('internal', 'the synthesis was given up')): Promise<void> {
    this.#stop.abort(why);
    this.#disk?.fail(why);
    await this.#applier?.close();
    await this.#endDisk();
    await this.#draft?.discard();
    await this.#base.release();
  }

  async #endDisk(): Promise<void> {
    this.#server?.close();
    for (const close of this.#closing.splice(0)) await close();
  }
}

/** What QEMU says of a state that it cannot make devices of: sent again it would be the same, so nobody is to try that. */
const REFUSED = /load of migration failed/;

function refusedState(error: unknown): CloudletError | null {
  if (!(error instanceof CloudletError) || error.code !== 'machine-failed' || !REFUSED.test(error.message)) return null;
  const sentence = `the state of the devices in the overlay is not one of its machine: ${error.message}; make the overlay anew`;
  return new CloudletError('overlay-refused', sentence, { cause: error });
}
