import { open } from 'node:fs/promises';
import { CloudletError, hexOf } from '../../../../guest-sdk/protocol/index.ts';
import { type Accelerator, type BlockDigests, unlessAborted } from '../../../machine/index.ts';
import { LayeredDisk } from '../../../vm/disk/layered-disk.ts';
import type { HeldVmImage, VmImage, VmImageStore } from '../../../vm/image/index.ts';
import type { RestoreVmOptions, StartedVm } from '../../../vm/machine/vm-options.ts';
import type { PartSource, RungProgress } from '../../deployment/rung.ts';
import type { DigestedBlock } from '../apply/changed-blocks.ts';
import type { OverlayManifest, ReadManifest } from '../overlay-manifest.ts';
import { PAGE_BYTES } from '../page-run.ts';
import { ArrivingDisk } from './arriving-disk.ts';
import { BlankVm } from './blank-vm.ts';
import type { BlankVms } from './blank-vms.ts';
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
  /** Blanks that wait; left out, one is begun. */
  readonly blanks?: BlankVms;
  /** Resolves when the server has answered: until then there is no image, and what is left of a long overlay leaves the processors to it. */
  readonly served?: Promise<unknown>;
  readonly report?: (progress: RungProgress) => void;
  /** Ends it, the VM too, as long as the image is not complete. */
  readonly signal: AbortSignal;
}

/** Pages of an overlay, memory and disk, up to which what is left of it is not put off: some ten milliseconds of the processor that the guest does not use. */
const SHORT_PAGES = 8192;

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
  #blank: BlankVm | null = null;
  #feed: SegmentFeed | null = null;
  #disk: ArrivingDisk | null = null;
  readonly #closing: (() => Promise<void>)[] = [];

  constructor(options: SynthesisOptions, base: HeldVmImage) {
    this.#options = options;
    this.#base = base;
  }

  /** Resolves when the VM runs. */
  async start(): Promise<StartedVm> {
    const { overlay, report, parts, served } = this.#options;
    const { manifest } = overlay;
    const { image: base } = this.#base;
    const signal = AbortSignal.any([this.#options.signal, this.#stop.signal]);
    const putOff = isShort(manifest) ? undefined : served;
    const blank = await this.#begin();
    this.#blank = blank;
    const { draft, applier } = blank;
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
    blank.give(disk);
    applier.begin({
      segments: manifest.segments,
      base: { memory: base.memory, disk: base.disk },
      memoryBytes: manifest.conditions.memoryMib * 2 ** 20,
      diskBytes: base.diskBytes,
      ...{ memory: draft.memory, state: draft.state, layer: layerPath },
    });
    const feed = new SegmentFeed({
      segments: manifest.segments,
      source: parts,
      apply: async (index, bytes) => {
        // Pages are written into the copy: it must be complete before the first one.
        await blank.copied;
        disk.arrive(index, (await applier.apply(index, bytes)).places);
      },
      onBytes: (bytesDone, bytesTotal) => report?.({ stage: 'receiving', bytesDone, bytesTotal }),
      ...(putOff === undefined ? {} : { rest: putOff }),
      signal,
    });
    this.#feed = feed;
    const resume = (): void => applier.resume();
    putOff?.then(resume, resume);
    feed.start();
    feed.memory.then(
      () => {
        report?.({ stage: 'starting' });
        if (putOff !== undefined) applier.pause();
        blank.goOn();
      },
      (error: unknown) => blank.fail(error),
    );
    try {
      return await unlessAborted(blank.vm, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw refusedState(error) ?? error;
    }
  }

  #begin(): Promise<BlankVm> {
    const { overlay, images, restore, accelerator, id, blanks } = this.#options;
    const { conditions, segments, service } = overlay.manifest;
    const shape = {
      base: this.#base.image,
      growthBytes: service.limits.diskMib * 2 ** 20,
      cpus: service.limits.cpus,
    };
    const layerBytes = segments.reduce((sum, each) => sum + (each.kind === 'disk' ? each.pages * PAGE_BYTES : 0), 0);
    const fresh = () => BlankVm.begin(shape, { images, accelerator, restore }, { id, layerBytes });
    return blanks === undefined ? fresh() : blanks.take(shape, conditions.memoryMib * 2 ** 20 + layerBytes, fresh);
  }

  /** Resolves with the image when the last segment was applied; the VM goes on, and the disk is served to it as long as it does. */
  async complete(vm: StartedVm): Promise<VmImage> {
    const { draft, applier, base: digests } = this.#blank!;
    void vm.exited.then(() => this.#endDisk());
    const { overlay } = this.#options;
    const { manifest, digest } = overlay;
    try {
      const before = await digests?.catch(() => undefined);
      // While the disk still comes: at the end little is left to do. All of it must be read where nobody knows what the base has.
      const settled =
        before === undefined
          ? draft.settle(this.#stop.signal)
          : applier.changedMemory.then((changed) =>
              draft.settle(this.#stop.signal, { before: withBlocks(before, changed), changed: NONE }),
            );
      settled?.catch(() => undefined); // What ends it is told below.
      await this.#feed!.all;
      await applier.finish();
      await settled;
      void applier.close();
      // A server that does not answer leaves no image.
      await this.#options.served;
      this.#expectGoingOn();
      const image = await draft.commit({
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

  #expectGoingOn(): void {
    for (const signal of [this.#options.signal, this.#stop.signal]) signal.throwIfAborted();
  }

  /** Leaves nothing. */
  async abandon(why: unknown = new CloudletError('internal', 'the synthesis was given up')): Promise<void> {
    this.#stop.abort(why);
    this.#disk?.fail(why);
    await this.#blank?.close(why);
    await this.#endDisk();
    await this.#base.release();
  }

  async #endDisk(): Promise<void> {
    this.#blank?.endDisk();
    for (const close of this.#closing.splice(0)) await close();
  }
}

function isShort({ segments }: OverlayManifest): boolean {
  return segments.reduce((sum, each) => sum + (each.kind === 'state' ? 0 : each.pages), 0) <= SHORT_PAGES;
}

const NONE: ReadonlySet<number> = new Set();

/** What a file holds that was another, but for these blocks. */
function withBlocks({ blocks, ...of }: BlockDigests, changed: readonly DigestedBlock[]): BlockDigests {
  const now = [...blocks];
  for (const [block, digest] of changed) now[block] = digest;
  return { ...of, blocks: now };
}

/** What QEMU says of a state that it cannot make devices of: sent again it would be the same, so nobody is to try that. */
const REFUSED = /load of migration failed/;

function refusedState(error: unknown): CloudletError | null {
  if (!(error instanceof CloudletError) || error.code !== 'machine-failed' || !REFUSED.test(error.message)) return null;
  const sentence = `the state of the devices in the overlay is not one of its machine: ${error.message}; make the overlay anew`;
  return new CloudletError('overlay-refused', sentence, { cause: error });
}
