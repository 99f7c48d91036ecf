import { CloudletError } from '../../../../guest-sdk/protocol/index.ts';
import { type Accelerator, type BlockDigests, copySparse } from '../../../machine/index.ts';
import { type BlockServer, serveBlocks } from '../../../vm/disk/block-server.ts';
import type { BlockSource } from '../../../vm/disk/block-source.ts';
import type { VmImage, VmImageDraft, VmImageStore } from '../../../vm/image/index.ts';
import type { RestoreVmOptions, StartedVm } from '../../../vm/machine/vm-options.ts';
import { Applier } from '../apply/applier.ts';

/** What a blank is like: it serves for overlays on this base that ask for no other limits. */
export interface BlankShape {
  readonly base: VmImage;
  readonly growthBytes: number;
  readonly cpus: number;
}

/** What blanks are made with. */
export interface BlankWorld {
  readonly images: Pick<VmImageStore, 'draft'>;
  readonly accelerator: Accelerator;
  readonly restore: (options: RestoreVmOptions) => Promise<StartedVm>;
}

/**
 * A VM on which nothing has been applied yet: a copy of its base's memory, a QEMU that has mapped that and waits to be told that it is
 * complete, and a thread that applies. It has nothing of any overlay. Whoever has one closes it, unless its draft was committed.
 */
export class BlankVm {
  readonly shape: BlankShape;
  readonly draft: VmImageDraft;
  readonly applier = new Applier();
  /** Resolves when the memory is that of the base. */
  readonly copied: Promise<void>;
  /** The VM that goes on; rejects when QEMU ends before, or what is missing does not come. */
  readonly vm: Promise<StartedVm>;
  /** What the base's memory holds, once somebody has found out. */
  readonly base: Promise<BlockDigests> | null;
  readonly #disk = Promise.withResolvers<BlockSource>();
  readonly #complete = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  #server: BlockServer | null = null;
  #isLost = false;

  private constructor(
    shape: BlankShape,
    { accelerator, restore }: BlankWorld,
    draft: VmImageDraft,
    id: string,
    base: Promise<BlockDigests> | null,
  ) {
    this.shape = shape;
    this.draft = draft;
    this.base = base;
    const { conditions, diskBytes: bytes, memory } = shape.base;
    const { memoryMib, vcpus } = conditions;
    const { signal } = this.#stop;
    this.copied = copySparse(memory, draft.memory, signal);
    const { promise: complete } = this.#complete;
    for (const promise of [this.#disk.promise, complete]) promise.catch(() => undefined);
    const disk: BlockSource = {
      bytes,
      read: async (offset, into, reading) => (await this.#disk.promise).read(offset, into, reading),
    };
    const start: RestoreVmOptions = {
      id,
      shape: { accelerator, memoryMib, vcpus },
      disk: {
        layers: [],
        bytes,
        growthBytes: shape.growthBytes,
        serve: (connection) => {
          this.#server = serveBlocks(connection, disk);
        },
      },
      cpus: shape.cpus,
      memory: draft.memory,
      state: draft.state,
      complete,
      signal,
    };
    // While it is copied the file is shorter than the memory, which QEMU refuses.
    this.vm = this.copied.then(() => restore(start));
    for (const promise of [this.copied, this.vm])
      promise.catch(() => {
        this.#isLost = true;
      });
  }

  /** Begins one. `storage-full` when there is no room for it. Nothing is left when this fails. */
  static async begin(
    shape: BlankShape,
    world: BlankWorld,
    options: { readonly id: string; readonly layerBytes: number; readonly digests?: Promise<BlockDigests> },
  ): Promise<BlankVm> {
    const { id, layerBytes, digests = null } = options;
    const { memoryMib } = shape.base.conditions;
    const draft = await world.images.draft({ memoryMib, layers: ['qcow2'], layerBytes });
    return new BlankVm(shape, world, draft, id, digests);
  }

  /** Whether it can still become a VM. */
  get isUsable(): boolean {
    return !this.#isLost;
  }

  /** From what the guest reads its disk. */
  give(disk: BlockSource): void {
    this.#disk.resolve(disk);
  }

  /** Memory and state are complete: the VM goes on. */
  goOn(): void {
    this.#complete.resolve();
  }

  /** They will not be complete. */
  fail(error: unknown): void {
    this.#complete.reject(error);
  }

  /** Ends what serves its disk. */
  endDisk(): void {
    this.#server?.close();
  }

  /** Ends all of it and removes its files. Idempotent. */
  async close(why: unknown = new CloudletError('internal', 'the VM was given up before it went on')): Promise<void> {
    this.#stop.abort(why);
    for (const each of [this.#disk, this.#complete]) each.reject(why);
    await this.applier.close();
    await this.copied.catch(() => undefined);
    await this.vm.then(
      (vm) => vm.close(),
      () => undefined,
    );
    this.endDisk();
    await this.draft.discard();
  }
}
