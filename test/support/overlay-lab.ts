/**
 * Made-up saved VMs, a base and what became of it, and the overlay between them, for tests.
 */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Digest } from '../../guest-sdk/protocol/index.ts';
import { ServiceSpec } from '../../guest-sdk/protocol/index.ts';
import type { SnapshotConditions } from '../../runtime/machine/index.ts';
import { encodeApart } from '../../runtime/provision/overlay/difference/encode.ts';
import type { Difference } from '../../runtime/provision/overlay/difference/encode-job.ts';
import { OVERLAY_FORMAT, type OverlayManifest } from '../../runtime/provision/overlay/overlay-manifest.ts';
import { PAGE_BYTES } from '../../runtime/provision/overlay/page-run.ts';
import { LayeredDisk } from '../../runtime/vm/disk/layered-disk.ts';
import { qcow2Pieces } from '../../runtime/vm/disk/qcow2-layer.ts';
import type { DiskLayer } from '../../runtime/vm/image/index.ts';
import type { SeededRandom } from './random.ts';

export const LAB_MEMORY_MIB = 4;
export const LAB_DISK_BYTES = 8 * 2 ** 20;
const MEMORY_PAGES = (LAB_MEMORY_MIB * 2 ** 20) / PAGE_BYTES;
const DISK_BLOCKS = LAB_DISK_BYTES / PAGE_BYTES;

/** Conditions that made-up VMs were saved under. */
export const LAB_CONDITIONS: SnapshotConditions = {
  ...{ qemu: '7.2.22', accelerator: 'tcg', processor: 'max on a test', counterMhz: 2596, image: 'a test' },
  ...{ memoryMib: LAB_MEMORY_MIB, vcpus: 1, workers: 0, content: null },
};

/** What a saved VM consists of. */
export interface LabVm {
  readonly memory: string;
  readonly state: string;
  readonly disk: readonly DiskLayer[];
}

/** A base, what became of it, and a folder for whatever else is needed. */
export class OverlayLab {
  readonly folder: string;
  readonly base: LabVm;
  readonly result: LabVm;
  /** Blocks that were written, ascending. */
  readonly written: readonly number[];

  private constructor(folder: string, base: LabVm, result: LabVm, written: readonly number[]) {
    this.folder = folder;
    this.base = base;
    this.result = result;
    this.written = written;
  }

  /** Pages of few kinds, so that many are zeros, or are elsewhere, or differ in a byte only. */
  static async make(random: SeededRandom): Promise<OverlayLab> {
    const folder = await mkdtemp(join(tmpdir(), 'cloudlet-overlay-'));
    const pages = () => Array.from({ length: 20 }, () => Buffer.alloc(PAGE_BYTES, random.bytes(1 + random.below(300))));
    const pool = pages();
    const page = (): Uint8Array => {
      const kind = random.below(10);
      if (kind < 3) return Buffer.alloc(PAGE_BYTES);
      if (kind < 8) return random.pick(pool);
      const changed = Buffer.from(random.pick(pool));
      changed[random.below(PAGE_BYTES)] = random.below(256);
      return changed;
    };
    const change = (bytes: Buffer, runs: number): number[] => {
      const pages = new Set<number>();
      for (let times = 0; times < runs; times++) {
        const at = random.below(bytes.length / PAGE_BYTES);
        for (let index = at; index < Math.min(at + 1 + random.below(20), bytes.length / PAGE_BYTES); index++) {
          bytes.set(page(), index * PAGE_BYTES);
          pages.add(index);
        }
      }
      return [...pages].sort((a, b) => a - b);
    };
    const memory = Buffer.alloc(MEMORY_PAGES * PAGE_BYTES);
    change(memory, 30);
    const disk = Buffer.alloc(DISK_BLOCKS * PAGE_BYTES);
    change(disk, 60);
    const base = await writeVm(join(folder, 'base'), memory, Buffer.from('state of the base'));
    await writeFile(base.disk[0]!.path, disk);
    pool.push(...pages());
    change(memory, 1 + random.below(40));
    const result = await writeVm(join(folder, 'result'), memory, Buffer.from(random.bytes(20_000)));
    pool.push(...pages());
    const written = change(disk, 1 + random.below(60));
    const layer = layerFile(disk, written);
    await writeFile(join(folder, 'result', 'layer'), layer);
    const layers = [...base.disk, { path: join(folder, 'result', 'layer'), format: 'qcow2' as const }];
    return new OverlayLab(folder, base, { ...result, disk: layers }, written);
  }

  /** The difference; its segments lie in a file. */
  async encode(
    options: { touched?: readonly number[]; segmentPages?: number; level?: number } = {},
    name = 'segments',
  ): Promise<{
    readonly difference: Difference;
    readonly path: string;
  }> {
    const path = join(this.folder, name);
    const difference = await encodeApart(
      {
        base: this.base,
        result: this.result,
        memoryBytes: LAB_MEMORY_MIB * 2 ** 20,
        diskBytes: LAB_DISK_BYTES,
        written: this.written.map((at) => ({ at, count: 1 })),
        touched: options.touched ?? [],
        segmentPages: options.segmentPages ?? 16,
        level: options.level ?? 3,
        atOnce: 2,
        segments: path,
      },
      () => undefined,
    );
    return { difference, path };
  }

  /** The manifest of a difference. */
  manifest({ entries }: Difference, base: Digest): OverlayManifest {
    return {
      format: OVERLAY_FORMAT,
      base,
      about: 'a test',
      conditions: LAB_CONDITIONS,
      diskBytes: LAB_DISK_BYTES,
      service: v.parse(ServiceSpec, { run: 'serve', port: 80 }),
      segments: [...entries],
    };
  }

  /** Files that an overlay is applied to. */
  async target(name = 'target'): Promise<{ memory: string; state: string; layer: string }> {
    const folder = join(this.folder, name);
    await mkdir(folder);
    const paths = { memory: join(folder, 'memory'), state: join(folder, 'state'), layer: join(folder, 'layer') };
    await copyFile(this.base.memory, paths.memory);
    for (const path of [paths.state, paths.layer]) await writeFile(path, '');
    return paths;
  }

  /** What is wrong with a VM that should be the result; null when nothing is. */
  async differs(made: LabVm): Promise<string | null> {
    for (const file of ['memory', 'state'] as const)
      if (!(await readFile(made[file])).equals(await readFile(this.result[file]))) return file;
    return (await diskBytes(made.disk)).equals(await diskBytes(this.result.disk)) ? null : 'disk';
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

/** The bytes of each segment of a file. */
export async function segmentsIn(path: string, { entries }: Difference): Promise<Buffer[]> {
  const file = await readFile(path);
  let at = 0;
  return entries.map(({ bytes }) => {
    at += bytes;
    return file.subarray(at - bytes, at);
  });
}

async function writeVm(folder: string, memory: Uint8Array, state: Uint8Array): Promise<LabVm> {
  await mkdir(folder);
  const paths = { memory: join(folder, 'memory'), state: join(folder, 'state') };
  await writeFile(paths.memory, memory);
  await writeFile(paths.state, state);
  return { ...paths, disk: [{ path: join(folder, 'disk'), format: 'raw' }] };
}

function layerFile(disk: Buffer, written: readonly number[]): Buffer {
  const places = new Map(written.map((block, index) => [block, index + 1]));
  const pieces = qcow2Pieces({ diskBytes: LAB_DISK_BYTES, dataClusters: written.length, places });
  const file = Buffer.alloc(Math.max(...pieces.map(({ at, bytes }) => at + bytes.length)));
  for (const { at, bytes } of pieces) file.set(bytes, at);
  for (const [block, place] of places)
    disk.copy(file, place * PAGE_BYTES, block * PAGE_BYTES, (block + 1) * PAGE_BYTES);
  return file;
}

async function diskBytes(layers: readonly DiskLayer[]): Promise<Buffer> {
  const disk = await LayeredDisk.open(layers, LAB_DISK_BYTES);
  try {
    const bytes = Buffer.alloc(LAB_DISK_BYTES);
    disk.readSync(0, bytes);
    return bytes;
  } finally {
    await disk.close();
  }
}
