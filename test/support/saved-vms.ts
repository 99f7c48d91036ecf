/**
 * A base VM with nothing but a shell, and services that scripts make of it: real machines, saved in a store of their own.
 */
import { randomUUID } from 'node:crypto';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { ServiceSpec } from '../../guest-sdk/protocol/index.ts';
import {
  computerConditions,
  conditionsOf,
  copySparse,
  newIdentity,
  TEMPLATE_WALL_MS,
} from '../../runtime/machine/index.ts';
import { type VmImage, VmImageStore } from '../../runtime/vm/image/index.ts';
import { restoreVm } from '../../runtime/vm/machine/restore-vm.ts';
import type { StartedVm, VmShape } from '../../runtime/vm/machine/vm-options.ts';
import { bootTinyVm, tinyShape, tinyVm } from './vm-lab.ts';

const GROWTH_BYTES = 128 * 2 ** 20;

/** A store with a base in it, where a cloudlet with `folder` as its cache would have it. */
export class SavedVms {
  readonly folder: string;
  readonly store: VmImageStore;
  readonly shape: VmShape;
  readonly base: VmImage;

  private constructor(folder: string, store: VmImageStore, shape: VmShape, base: VmImage) {
    this.folder = folder;
    this.store = store;
    this.shape = shape;
    this.base = base;
  }

  static async open(): Promise<SavedVms> {
    const folder = await mkdtemp(join(tmpdir(), 'cloudlet-saved-vms-'));
    const shape = await tinyShape();
    const computer = async () => computerConditions(shape.accelerator);
    const store = await VmImageStore.open({ directory: join(folder, 'vm', 'images'), budgetBytes: 2 ** 40, computer });
    const { root, diskBytes } = await tinyVm();
    const draft = await store.draft({ memoryMib: shape.memoryMib, layers: ['raw', 'qcow2'] });
    const [raw, top] = draft.layers as [string, string];
    await copyFile(root, raw);
    const disk = { layers: [{ path: raw, format: 'raw' as const }], bytes: diskBytes, growthBytes: GROWTH_BYTES, top };
    const vm = await bootTinyVm({ shape, disk, template: { memory: draft.memory, saved: draft.state } });
    try {
      await vm.relay.run({ command: 'true' });
      await vm.quiesce();
      await vm.save();
    } finally {
      await vm.close();
    }
    const conditions = conditionsOf({ ...shape, workers: 0 }, 'a tiny root', null);
    const made = {
      kind: 'base',
      key: null,
      about: 'a shell',
      conditions,
      diskBytes,
      base: null,
      service: null,
    } as const;
    return new SavedVms(folder, store, shape, await draft.commit(made));
  }

  /** A service: what a script makes of the base, and a server that then runs. */
  async service(script: string, spec: v.InferInput<typeof ServiceSpec>): Promise<VmImage> {
    const { base, shape } = this;
    const service = v.parse(ServiceSpec, spec);
    const draft = await this.store.draft({ memoryMib: shape.memoryMib, layers: ['qcow2'], layerBytes: GROWTH_BYTES });
    await copySparse(base.memory, draft.memory);
    const vm = await restoreVm({
      id: randomUUID(),
      shape,
      disk: { layers: base.disk, bytes: base.diskBytes, growthBytes: GROWTH_BYTES, top: draft.layers[0]! },
      ...{ memory: draft.memory, state: base.state, template: { saved: draft.state } },
    });
    try {
      await vm.renew(newIdentity(TEMPLATE_WALL_MS));
      const said: Uint8Array[] = [];
      const status = await vm.relay.run({ command: script, output: (bytes) => void said.push(bytes) });
      if (status !== 0) throw new Error(`the script ended with ${status}: ${Buffer.concat(said)}`);
      void vm.relay.run({ command: service.run, detached: true }).catch(() => undefined);
      await answering(vm, service);
      await vm.quiesce();
      await vm.save();
    } finally {
      await vm.close();
    }
    const { conditions, diskBytes } = base;
    return draft.commit({
      kind: 'service',
      key: null,
      about: 'a test',
      conditions,
      diskBytes,
      base: base.digest,
      service,
    });
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

/** Asks a server in a VM, over the way that callers take. */
export async function ask(vm: StartedVm, port: number, path: string): Promise<{ status: number; body: Buffer }> {
  const connection = await vm.relay.connect(port);
  return new Promise((resolve, reject) => {
    const message = request({ createConnection: () => connection as never, path, headers: { connection: 'close' } });
    message.on('error', reject);
    message.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(chunks) }));
    });
    message.end();
  });
}

/** Resolves when a server answers its probe with a status below 500. */
export async function answering(vm: StartedVm, { port, probe }: ServiceSpec): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      const { status } = await ask(vm, port, probe.path);
      if (status < 500) return;
    } catch (error) {
      if (attempt > 400) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
