/**
 * An overlay and its base in a store of VM images, parts that come when the test says so, and a VM that only reads its disk.
 */
import { EventEmitter } from 'node:events';
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../guest-sdk/protocol/index.ts';
import type { Accelerator, MachineExit, SnapshotConditions } from '../../runtime/machine/index.ts';
import type { PartSource } from '../../runtime/provision/deployment/rung.ts';
import type { Difference } from '../../runtime/provision/overlay/difference/encode-job.ts';
import {
  type OverlayManifest,
  overlayManifestText,
  type ReadManifest,
  readOverlayManifest,
} from '../../runtime/provision/overlay/overlay-manifest.ts';
import { PAGE_BYTES } from '../../runtime/provision/overlay/page-run.ts';
import {
  type Synthesis,
  type SynthesisOptions,
  synthesize,
} from '../../runtime/provision/overlay/synthesis/synthesize.ts';
import { type VmImage, VmImageStore } from '../../runtime/vm/image/index.ts';
import type { RestoreVmOptions, StartedVm } from '../../runtime/vm/machine/vm-options.ts';
import { NbdClient } from './nbd-client.ts';
import { LAB_CONDITIONS, LAB_DISK_BYTES, LAB_MEMORY_MIB, OverlayLab, segmentsIn } from './overlay-lab.ts';
import { SeededRandom } from './random.ts';
import { socketPair } from './socket-pair.ts';

/** How made-up VMs run. */
export const LAB_ACCELERATOR: Accelerator = {
  kind: 'tcg',
  cpu: 'max',
  tscKhz: 2_596_000,
  qemuVersion: '7.2.22',
  reason: 'a test',
};

/** Parts that a device sends, one when the test says so; remembers the order in which they were asked for. */
export class LabParts implements PartSource {
  readonly asked: Digest[] = [];
  readonly #waiting = new Map<Digest, PromiseWithResolvers<Uint8Array>>();
  readonly #events = new EventEmitter();

  get(part: Digest): Promise<Uint8Array> {
    this.asked.push(part);
    const waiting = this.#waiting.get(part) ?? Promise.withResolvers<Uint8Array>();
    this.#waiting.set(part, waiting);
    this.#events.emit('asked');
    return waiting.promise.then((bytes) => new Uint8Array(bytes)); // Whoever applies it takes it over.
  }

  send(part: Digest, bytes: Uint8Array): void {
    const waiting = this.#waiting.get(part) ?? Promise.withResolvers<Uint8Array>();
    this.#waiting.set(part, waiting);
    waiting.resolve(bytes);
  }

  break(part: Digest, error: Error): void {
    this.#waiting.get(part)!.reject(error);
  }

  /** Resolves when a part was asked for so many times. */
  async until(part: Digest, times = 1): Promise<void> {
    while (this.asked.filter((each) => each === part).length < times)
      await new Promise((resolve) => this.#events.once('asked', resolve));
  }
}

/** A VM that was restored from files, and reads its disk by NBD. */
export class LabVm {
  readonly options: RestoreVmOptions;
  readonly disk: NbdClient;
  readonly #exit = Promise.withResolvers<MachineExit>();
  closed = false;

  private constructor(options: RestoreVmOptions, disk: NbdClient) {
    this.options = options;
    this.disk = disk;
  }

  static async restore(options: RestoreVmOptions): Promise<LabVm> {
    await options.complete;
    const [near, far] = await socketPair();
    options.disk.serve!(near);
    const disk = new NbdClient(far);
    await disk.meet();
    return new LabVm(options, disk);
  }

  /** As what the synthesis takes it for. */
  get vm(): StartedVm {
    return {
      id: this.options.id,
      exited: this.#exit.promise,
      close: async () => this.end(),
    } as StartedVm;
  }

  end(): void {
    this.closed = true;
    this.disk.socket.destroy();
    this.#exit.resolve({ code: 0, signal: null, tail: '' });
  }
}

/** Made once for a seed and a process: another process encodes, and that takes ten times what all the rest of a lab does. */
const ENCODED = new Map<number, Promise<{ readonly difference: Difference; readonly segments: readonly Buffer[] }>>();

function encoded(seed: number, overlay: OverlayLab) {
  const known = ENCODED.get(seed);
  if (known !== undefined) return known;
  const touched = overlay.written.filter((_, index) => index % 3 === 0);
  const made = overlay
    .encode({ touched, segmentPages: 2 })
    .then(async ({ difference, path }) => ({ difference, segments: await segmentsIn(path, difference) }));
  ENCODED.set(seed, made);
  return made;
}

/** All of it together. */
export class SynthesisLab {
  readonly overlay: OverlayLab;
  readonly store: VmImageStore;
  readonly base: VmImage;
  readonly manifest: OverlayManifest;
  readonly segments: readonly Buffer[];
  readonly parts = new LabParts();
  readonly vms: LabVm[] = [];
  readonly stop = new AbortController();

  private constructor(
    overlay: OverlayLab,
    store: VmImageStore,
    base: VmImage,
    manifest: OverlayManifest,
    segments: readonly Buffer[],
  ) {
    this.overlay = overlay;
    this.store = store;
    this.base = base;
    this.manifest = manifest;
    this.segments = segments;
  }

  /** The same for the same seed. */
  static async open(seed: number, here: Partial<SnapshotConditions> = {}): Promise<SynthesisLab> {
    const overlay = await OverlayLab.make(new SeededRandom(seed));
    const computer = async () => ({ ...LAB_CONDITIONS, ...here });
    const store = await VmImageStore.open({
      directory: join(overlay.folder, 'images'),
      budgetBytes: 2 ** 40,
      computer,
    });
    const draft = await store.draft({ memoryMib: LAB_MEMORY_MIB, layers: ['raw'] });
    await copyFile(overlay.base.memory, draft.memory);
    await copyFile(overlay.base.state, draft.state);
    await copyFile(overlay.base.disk[0]!.path, draft.layers[0]!);
    const made = { kind: 'base', key: null, about: 'a base', conditions: { ...LAB_CONDITIONS, ...here } } as const;
    const base = await draft.commit({ ...made, diskBytes: LAB_DISK_BYTES, base: null, service: null });
    const { difference, segments } = await encoded(seed, overlay);
    const manifest = overlay.manifest(difference, base.digest);
    return new SynthesisLab(overlay, store, base, manifest, segments);
  }

  read(change: Partial<OverlayManifest> = {}): ReadManifest {
    return readOverlayManifest(overlayManifestText({ ...this.manifest, ...change }));
  }

  /** Begins a synthesis; segments come by `send`. */
  synthesize(change: Partial<OverlayManifest> = {}, options: Partial<SynthesisOptions> = {}): Promise<Synthesis> {
    return synthesize({
      overlay: this.read(change),
      images: this.store,
      parts: this.parts,
      accelerator: LAB_ACCELERATOR,
      id: 'a-test',
      restore: this.restore,
      signal: this.stop.signal,
      ...options,
    });
  }

  /** Restores a VM that only reads its disk. */
  readonly restore = async (options: RestoreVmOptions): Promise<StartedVm> => {
    const vm = await LabVm.restore(options);
    this.vms.push(vm);
    return vm.vm;
  };

  send(index: number, bytes: Uint8Array = this.segments[index]!): void {
    this.parts.send(this.manifest.segments[index]!.digest, bytes);
  }

  /** Numbers of the segments of these kinds. */
  indexes(...kinds: readonly ('state' | 'memory' | 'disk')[]): number[] {
    return [...this.manifest.segments.keys()].filter((index) => kinds.includes(this.manifest.segments[index]!.kind));
  }

  /** The number of the segment that holds a block; null when none does. */
  segmentOf(block: number): number | null {
    for (const [index, runs] of this.read().blocks)
      if (runs.some(({ at, count }) => block >= at && block < at + count)) return index;
    return null;
  }

  /** What a guest would read of its disk, all of it. */
  async readDisk(vm: LabVm): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let at = 0; at < LAB_DISK_BYTES; at += 64 * PAGE_BYTES) pieces.push(await vm.disk.read(at, 64 * PAGE_BYTES));
    return Buffer.concat(pieces);
  }

  /** Names in the store that are no images. */
  async leftOvers(): Promise<string[]> {
    const names = await readdir(this.store.directory);
    return names.filter((name) => !/^[0-9a-f]{64}$/.test(name));
  }

  async close(): Promise<void> {
    this.stop.abort();
    for (const vm of this.vms) vm.end();
    await this.overlay.close();
  }
}
