import type { CloudletLimits, CloudletOptions } from '../options.ts';
import type { SandboxSource } from '../sandbox/index.ts';
import { machineSandboxes } from './machine-sandboxes.ts';
import { processSandboxes } from './process-sandboxes.ts';

/**
 * The source for the kind that was asked for. `sandbox-unavailable` when it cannot run here: another kind is never chosen
 * silently.
 */
export async function openSandboxSource(options: CloudletOptions, limits: CloudletLimits): Promise<SandboxSource> {
  switch (options.sandbox) {
    case 'process':
      return processSandboxes(limits.concurrency, options.cacheDir, options.spare);
    case 'microvm':
      return machineSandboxes(options, limits);
    default:
      throw options.sandbox satisfies never;
  }
}
