import type { SandboxInfo } from '../../guest-sdk/protocol/index.ts';
import { processesBelow, programOf } from '../support/process-tree.ts';
import type { Numbered } from './left-behind.ts';

/** What is done to a cloudlet while it serves; `kill-any`: to any process of it, in the midst of a start as well. */
export const FAULTS = ['kill', 'stop', 'kill-any', 'full-disk'] as const;
export type Fault = (typeof FAULTS)[number];

/** Ends one of the processes that this one has started, and those have; none that were there `before`. */
export function strikeAny(pick: (pids: readonly number[]) => number, before: Numbered): void {
  const pids = processesBelow(process.pid).filter((pid) => !before.has(pid));
  if (pids.length > 0) signal(pick(pids), 'SIGKILL');
}

/**
 * Ends the process of a sandbox, or makes it stand still, as a crash or a hang would. A process that stands still is killed after
 * `stoppedMs`: nobody else would end one that the host was not asked to wait for.
 */
export function strike(fault: 'kill' | 'stop', { pid }: SandboxInfo, stoppedMs: number): void {
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

/** All processes below this one by their numbers, zombies too. */
export function childProcesses(): Numbered {
  return new Map(processesBelow(process.pid).map((pid) => [pid, programOf(pid) ?? 'gone']));
}
