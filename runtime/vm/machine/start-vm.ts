import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CloudletError } from '../../../guest-sdk/protocol/index.ts';
import { streamOf } from '../../machine/machine-process.ts';
import { startQemu } from '../../machine/qemu-process.ts';
import { openTopLayer } from '../disk/top-layer.ts';
import { QemuVm } from './qemu-vm.ts';
import { MAX_LAYERS, VM_FD, type VmStart, vmArgs } from './vm-args.ts';
import type { VmOptions } from './vm-options.ts';

/** What QEMU takes beside the guest's memory, MiB: itself 40, and under emulation the code that it translated, which it bounds. */
const QEMU_MIB = 1024;

/** Paths of the files that a VM needs beside its disk. */
export interface VmFiles {
  readonly kernel?: string;
  readonly initrd?: string;
  readonly memory?: string;
  readonly incoming?: string;
  readonly saved?: string;
}

/** Starts QEMU for a VM; whether the guest comes to life is the caller's to see. `machine-failed` when there is no process. */
export async function startVm(options: VmOptions, start: VmStart, files: VmFiles): Promise<QemuVm> {
  const { disk, shape } = options;
  options.signal?.throwIfAborted();
  if (disk.layers.length > MAX_LAYERS) {
    const sentence = `expected a disk of at most ${MAX_LAYERS} layers, got ${disk.layers.length}`;
    throw new CloudletError('image-refused', sentence);
  }
  const handles = new Map<number, FileHandle>();
  const give = async (fd: number, path: string | undefined, flags: number) => {
    if (path !== undefined) handles.set(fd, await openPart(() => open(path, flags)));
  };
  const { O_RDONLY, O_RDWR, O_WRONLY } = constants;
  try {
    await give(VM_FD.kernel, files.kernel, O_RDONLY);
    await give(VM_FD.initrd, files.initrd, O_RDONLY);
    await give(VM_FD.memory, files.memory, start.memory === 'kept' ? O_RDWR : O_RDONLY);
    await give(VM_FD.incoming, files.incoming, O_RDONLY);
    await give(VM_FD.saved, files.saved, O_WRONLY);
    for (const [index, { path }] of disk.layers.entries()) await give(VM_FD.layer + index, path, O_RDONLY);
    const top = await openPart(() => openTopLayer(disk));
    handles.set(VM_FD.top, top);
    const sockets: number[] = [VM_FD.qmp, VM_FD.control, VM_FD.relay];
    if (disk.serve !== undefined) sockets.push(VM_FD.served);
    const descriptors = Array.from({ length: VM_FD.layer + disk.layers.length - VM_FD.qmp }, (_, index) => {
      const fd = VM_FD.qmp + index;
      return handles.get(fd)?.fd ?? (sockets.includes(fd) ? ('pipe' as const) : ('ignore' as const));
    });
    const memoryLimitMib = shape.memoryMib + QEMU_MIB;
    const child = await startQemu({
      qemu: options.qemu ?? 'qemu-system-x86_64',
      accelerator: shape.accelerator.kind,
      args: vmArgs(shape, disk, start),
      memoryLimitMib,
      fileLimitBytes: Math.max(memoryLimitMib * 2 ** 20, disk.growthBytes),
      cpuLimit: options.cpus ?? shape.vcpus + 1,
      // `ignore` for stdin: with `stdio` as its console's backend QEMU reads it, and the end of a pipe would be input.
      stdio: ['ignore', 'pipe', 'pipe', ...descriptors],
      // These files are ours: QEMU may do with them what its descriptors may.
      ...(start.memory === 'private' ? { readOnlyFiles: [VM_FD.memory] } : {}),
      ...(start.memory === 'kept' ? { writableFiles: [VM_FD.memory] } : {}),
    });
    const served = disk.serve === undefined ? null : streamOf(child, VM_FD.served);
    // The VM closes it when it ends.
    handles.delete(VM_FD.top);
    const memory = start.memory === 'kept' ? files.memory : undefined;
    const vm = new QemuVm(options.id, child, { top, served, memory });
    if (served !== null) disk.serve!(served);
    return vm;
  } finally {
    await Promise.all([...handles.values()].map((handle) => handle.close()));
  }
}

async function openPart(opening: () => Promise<FileHandle>): Promise<FileHandle> {
  try {
    return await opening();
  } catch (error) {
    if (error instanceof CloudletError) throw error;
    throw new CloudletError('machine-failed', `a file of the VM cannot be opened: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
