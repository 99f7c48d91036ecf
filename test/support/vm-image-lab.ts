/**
 * A store of VM images with made files: no VM was ever in them.
 */
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceSpec } from '../../guest-sdk/protocol/index.ts';
import type { ComputerConditions } from '../../runtime/machine/index.ts';
import { emptyQcow2 } from '../../runtime/vm/disk/empty-qcow2.ts';
import { type VmImage, VmImageStore, type VmImageStoreOptions } from '../../runtime/vm/image/index.ts';

export const HERE: ComputerConditions = {
  qemu: '7.2.22',
  accelerator: 'tcg',
  processor: 'max on a processor 0123456789abcdef',
  counterMhz: 2596,
};
export const SERVICE: ServiceSpec = {
  run: 'httpd -f -p 80',
  port: 80,
  protocol: 'http',
  probe: { path: '/' },
  readyMs: 60_000,
  outbound: [],
  limits: { diskMib: 1024, cpus: 1, leaseS: 600, connections: 128 },
};
/** What the memory of a made image is, and what of it is no hole. */
export const MEMORY_MIB = 4;
export const WRITTEN_BYTES = 2 ** 20;
export const DISK_BYTES = 8 * 2 ** 20;

/** A store in a temporary directory. */
export class VmImageLab {
  readonly folder: string;
  readonly refusals: string[] = [];
  store!: VmImageStore;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<VmImageLab> {
    const lab = new VmImageLab(await mkdtemp(join(tmpdir(), 'cloudlet-vm-images-')));
    lab.store = await lab.another();
    return lab;
  }

  get directory(): string {
    return join(this.folder, 'images');
  }

  /** Another host with the same directory. */
  another(options: Partial<VmImageStoreOptions> = {}): Promise<VmImageStore> {
    return VmImageStore.open({
      directory: this.directory,
      budgetBytes: 2 ** 40,
      computer: async () => HERE,
      refused: (sentence) => this.refusals.push(sentence),
      ...options,
    });
  }

  /** An image in which only a text is: a base, or a service on `base`. */
  async make(
    text: string,
    {
      store = this.store,
      base = null as VmImage | null,
      here = HERE,
      key = null as string | null,
      stockKernel = false,
      /** What is changed in the header of a service's layer. */
      qcow2 = null as { readonly at: number; readonly bytes: Uint8Array } | null,
    } = {},
  ): Promise<VmImage> {
    const layers = base === null ? (['raw'] as const) : (['qcow2'] as const);
    const draft = await store.draft({ memoryMib: MEMORY_MIB, layers });
    try {
      await write(draft.memory, Buffer.alloc(WRITTEN_BYTES, text), WRITTEN_BYTES);
      await writeFile(draft.state, `the state of ${text}`);
      const disk = await open(draft.layers[0]!, 'r+');
      if (base === null) await disk.truncate(DISK_BYTES);
      else await disk.writeFile(emptyQcow2({ bytes: DISK_BYTES, clusterBits: 12 }));
      if (qcow2 !== null) await disk.write(qcow2.bytes, 0, qcow2.bytes.length, qcow2.at);
      await disk.close();
      await write(draft.layers[0]!, Buffer.from(`the disk of ${text}`), 70_000);
      return await draft.commit({
        kind: base === null ? 'base' : 'service',
        ...(stockKernel ? { stockKernel } : {}),
        key,
        about: text,
        conditions: { ...here, image: '0'.repeat(64), memoryMib: MEMORY_MIB, vcpus: 1, workers: 0, content: null },
        diskBytes: DISK_BYTES,
        base: base?.digest ?? null,
        service: base === null ? null : SERVICE,
      });
    } finally {
      await draft.discard();
    }
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

async function write(path: string, bytes: Buffer, at: number): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, at);
  await file.close();
}
