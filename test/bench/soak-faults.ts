import { readdirSync, readFileSync } from 'node:fs';
import type { SandboxInfo } from '../../guest-sdk/protocol/index.ts';

/** What is done to a cloudlet while it serves. */
export type Fault = 'kill' | 'stop' | 'full-disk';

/**
 * Ends the process of a sandbox, or makes it stand still, as a crash or a hang would. A process that stands still is killed after
 * `stoppedMs`: nobody else would end one that the host was not asked to wait for.
 */
export function strike(fault: Exclude<Fault, 'full-disk'>, { pid }: SandboxInfo, stoppedMs: number): void {
  if (pid === null) return;
  signal(pid, fault === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  if (fault === 'stop') setTimeout(() => signal(pid, 'SIGKILL'), stoppedMs).unref();
}

function signal(pid: number, name: 'SIGKILL' | 'SIGSTOP'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended, by itself or by its host.
  }
}

/** Descriptors that this process holds. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Children of this process that still exist, zombies too. */
export function childProcesses(): number {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => parentOf(pid) === process.pid).length;
}

function parentOf(pid: string): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}
