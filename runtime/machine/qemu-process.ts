import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { type HeldFiles, heldFilesEnvironment, heldFilesLibrary } from './confinement/held-files.ts';
import { openProgram } from './confinement/program-file.ts';
import { confine, groupsFor } from './privilege.ts';

/** A QEMU that was started; it has a process. */
export type QemuProcess = ChildProcess & { readonly pid: number };

/** What is started and how. */
export interface QemuStart extends HeldFiles {
  /** Program to run. */
  readonly qemu: string;
  readonly accelerator: 'kvm' | 'tcg';
  readonly args: readonly string[];
  readonly stdio: Exclude<StdioOptions, string>;
}

/**
 * Starts QEMU as every QEMU here runs, the measuring ones too: confined, tied to this process, and knowing nothing of its environment.
 * Fails with `machine-failed` when no process could be started.
 */
export async function startQemu({ qemu, accelerator, args, stdio, ...held }: QemuStart): Promise<QemuProcess> {
  const { command, args: words } = confine(qemu, args, {
    isRoot: process.getuid?.() === 0,
    parent: process.pid,
    groups: await groupsFor(accelerator),
  });
  const preload = heldFilesEnvironment(held, stdio.length);
  const child = spawn(command, words, {
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...preload },
    stdio: 'LD_PRELOAD' in preload ? [...stdio, (await library()).fd] : stdio,
  });
  if (child.pid === undefined) throw await startFailure(child);
  return child as QemuProcess;
}

let opened: Promise<FileHandle> | null = null;

/** The library of held files, opened once: it stays open as long as this process. */
function library(): Promise<FileHandle> {
  opened ??= openProgram(heldFilesLibrary()).catch((error: unknown) => {
    opened = null;
    throw error;
  });
  return opened;
}

/** Why there is no process. Without descriptors to spare there are not even pipes to listen to. */
function startFailure(child: ChildProcess): Promise<CloudletError> {
  return new Promise((resolve) => {
    child.once('error', (cause) => {
      resolve(new CloudletError('machine-failed', `QEMU could not be started: ${cause.message}`, { cause }));
    });
  });
}
