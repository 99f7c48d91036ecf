import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import type { BaseImage } from '../image/index.ts';
import { openBulkFile } from './bulk-file.ts';
import { FD, MAX_WORKERS, type MachineShape, type MachineStart, qemuArgs } from './qemu-args.ts';
import { QemuMachine } from './qemu-machine.ts';
import { startQemu } from './qemu-process.ts';

/** What is common to all ways to start a machine. Units in the names. */
export interface MachineOptions {
  readonly id: string;
  readonly image: BaseImage;
  readonly shape: MachineShape;
  /** Program to run; default `qemu-system-x86_64`. */
  readonly qemu?: string;
  /** Whose it is where the processors are shared out; see `QemuStart`. */
  readonly claimant?: string;
  /** Nobody waits for it; see `QemuStart`. */
  readonly background?: boolean;
  readonly signal?: AbortSignal;
}

/** What QEMU takes beside the guest's memory, MiB: itself 40, and under emulation the code that it translated, which it bounds. */
const QEMU_MIB = 1024;

/** Paths of the files that a machine needs beside its image. */
export interface MachineFiles {
  /** Its memory, unless that is anonymous. */
  readonly memory?: string;
  /** Device state that it starts from. */
  readonly incoming?: string;
  /** Where its device state is saved. */
  readonly saved?: string;
}

/** Size of the disk for large bodies, of which the channel and each line have a part; what passes over it is the sandbox's and the agent's to say. */
export function bulkDiskBytes(workers: number): number {
  return (1 + workers) * 2 * 1024 * 1024;
}

/** Starts QEMU for a machine; whether the guest comes to life is the caller's to see. `machine-failed` when there is no process. */
export async function startMachine(
  options: MachineOptions,
  start: MachineStart,
  files: MachineFiles = {},
): Promise<QemuMachine> {
  const { image, shape } = options;
  if (shape.workers > MAX_WORKERS) {
    const sentence = `expected at most ${MAX_WORKERS} calls at once in a machine, got ${shape.workers}`;
    throw new CloudletError('sandbox-unavailable', sentence);
  }
  const handles = new Map<number, FileHandle>();
  const give = async (fd: number, path: string, flags: number) => void handles.set(fd, await openPart(path, flags));
  try {
    const { O_RDONLY, O_RDWR, O_WRONLY } = constants;
    for (const [fd, path] of [
      [FD.root, image.root],
      ...(start.from === 'boot'
        ? ([
            [FD.kernel, image.kernel],
            [FD.initrd, image.initrd],
          ] as const)
        : []),
    ] as const) {
      await give(fd, path, O_RDONLY).catch((error: Error) => Promise.reject(imageGone(error)));
    }
    const bulk = await openBulkFile(bulkDiskBytes(shape.workers));
    handles.set(FD.bulk, bulk);
    if (files.memory !== undefined) await give(FD.memory, files.memory, start.memory === 'kept' ? O_RDWR : O_RDONLY);
    if (files.incoming !== undefined) await give(FD.incoming, files.incoming, O_RDONLY);
    if (files.saved !== undefined) await give(FD.saved, files.saved, O_WRONLY);
    // Sockets to the agent, to QEMU and to the guest's kernel; then the files, each at its own place; then the workers' lines.
    const descriptors = Object.values(FD)
      .filter((fd) => fd < FD.line)
      .map((fd) => handles.get(fd)?.fd ?? (fd < FD.root ? ('pipe' as const) : ('ignore' as const)));
    const lines = Array.from({ length: shape.workers }, () => 'pipe' as const);
    const child = await startQemu({
      qemu: options.qemu ?? 'qemu-system-x86_64',
      accelerator: shape.accelerator.kind,
      args: qemuArgs(shape, start),
      memoryLimitMib: shape.memoryMib + QEMU_MIB,
      ...(options.claimant === undefined ? {} : { claimant: options.claimant }),
      ...(options.background === undefined ? {} : { background: options.background }),
      // `ignore` for stdin: with `stdio` as its console's backend QEMU reads it, and the end of a pipe would be input.
      stdio: ['ignore', 'pipe', 'pipe', ...descriptors, ...lines],
      // These files are ours: QEMU may do with them what its descriptors may.
      ...(start.memory === 'private' ? { readOnlyFiles: [FD.memory] } : {}),
      writableFiles: start.memory === 'kept' ? [FD.bulk, FD.memory] : [FD.bulk],
    });
    // The host uses it too, and the machine closes it when it ends.
    handles.delete(FD.bulk);
    return new QemuMachine(options.id, child, shape, bulk);
  } finally {
    await Promise.all([...handles.values()].map((handle) => handle.close()));
  }
}

async function openPart(path: string, flags: number): Promise<FileHandle> {
  try {
    return await open(path, flags);
  } catch (error) {
    throw new CloudletError('machine-failed', `a file of the machine cannot be opened: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Another machine of this image would fail as well, until it is made again. */
function imageGone(error: Error): CloudletError {
  const cause = error.cause as Error;
  const sentence = `the base image cannot be read: ${cause.message}; run: npx cloudlet image build`;
  return new CloudletError('sandbox-unavailable', sentence, { cause });
}
