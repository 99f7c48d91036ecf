import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import type { BaseImage } from '../../runtime/image/index.ts';
import { openBulkFile } from '../../runtime/machine/bulk-file.ts';
import { FD, type MachineShape, qemuArgs } from '../../runtime/machine/qemu-args.ts';
import { QmpConnection } from '../../runtime/machine/qmp.ts';
import { bulkDiskBytes } from '../../runtime/machine/start-machine.ts';

/**
 * What a clone costs before anything of it runs, milliseconds: from the start of QEMU, with the arguments and files that the clone has, until it
 * answers on its control connection, its machine made and nothing restored. It is QEMU as it comes: not confined, and without the libraries that are put before its own.
 */
export async function qemuFloorMs(shape: MachineShape, image: BaseImage, memory: string): Promise<number> {
  const files = new Map<number, FileHandle>([
    [FD.root, await open(image.root)],
    [FD.bulk, await openBulkFile(bulkDiskBytes(shape.workers))],
    [FD.memory, await open(memory)],
  ]);
  const descriptors = Array.from({ length: FD.line + shape.workers - FD.agent }, (_, at) => {
    const fd = at + FD.agent;
    return files.get(fd)?.fd ?? (fd < FD.root || fd >= FD.line ? ('pipe' as const) : ('ignore' as const));
  });
  try {
    const startedAt = performance.now();
    const child = spawn('qemu-system-x86_64', floorArgs(shape), { stdio: ['ignore', 'pipe', 'pipe', ...descriptors] });
    const exited = once(child, 'close');
    try {
      await Promise.race([
        answered(child),
        exited.then(() => Promise.reject(new Error('QEMU ended before it answered'))),
      ]);
      return performance.now() - startedAt;
    } finally {
      child.kill('SIGKILL');
      await exited;
    }
  } finally {
    await Promise.all([...files.values()].map((file) => file.close()));
  }
}

/** Those of a clone that is told later what to go on from. */
function floorArgs(shape: MachineShape): string[] {
  const args = qemuArgs(shape, { from: 'snapshot', memory: 'private' });
  return args.map((word, at) => (args[at - 1] === '-incoming' ? 'defer' : word));
}

/** Commands are answered by the loop that QEMU enters when its machine is there; its greeting comes before the first device. */
function answered(child: ChildProcess): Promise<unknown> {
  return new QmpConnection((child.stdio as unknown as Duplex[])[FD.qmp]!).execute('query-status');
}
