import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { CloudletError } from '../../guest-sdk/protocol/index.ts';
import { confine, groupsFor } from './privilege.ts';

/** A QEMU that was started; it has a process. */
export type QemuProcess = ChildProcess & { readonly pid: number };

/** What is started and how. */
export interface QemuStart {
  /** Program to run. */
  readonly qemu: string;
  readonly accelerator: 'kvm' | 'tcg';
  readonly args: readonly string[];
  readonly stdio: StdioOptions;
}

/**
 * Starts QEMU as every QEMU here runs, the measuring ones too: confined, tied to this process, and knowing nothing of its environment.
 * Fails with `machine-failed` when no process could be started.
 */
export async function startQemu({ qemu, accelerator, args, stdio }: QemuStart): Promise<QemuProcess> {
  const { command, args: words } = confine(qemu, args, {
    isRoot: process.getuid?.() === 0,
    parent: process.pid,
    groups: await groupsFor(accelerator),
  });
  const child = spawn(command, words, { cwd: '/', env: { PATH: '/usr/local/bin:/usr/bin:/bin' }, stdio });
  if (child.pid === undefined) throw await startFailure(child);
  return child as QemuProcess;
}

/** Why there is no process. Without descriptors to spare there are not even pipes to listen to. */
function startFailure(child: ChildProcess): Promise<CloudletError> {
  return new Promise((resolve) => {
    child.once('error', (cause) => {
      resolve(new CloudletError('machine-failed', `QEMU could not be started: ${cause.message}`, { cause }));
    });
  });
}
