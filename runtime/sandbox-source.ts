import { fileURLToPath } from 'node:url';
import type { AcceleratorInfo } from '../guest-sdk/protocol/index.ts';
import { machineSandboxes } from './machine-sandboxes.ts';
import type { CloudletLimits, CloudletOptions, SandboxKind } from './options.ts';
import { type Sandbox, startProcessMachine, startSandbox } from './sandbox/index.ts';

/** Starts empty sandboxes, always of one kind, and says what their boundary is worth. */
export interface SandboxSource {
  readonly kind: SandboxKind;
  readonly accelerator: AcceleratorInfo;
  readonly start: (signal: AbortSignal) => Promise<Sandbox>;
  /** Gives up what goes on in the background. Idempotent; the sandboxes it started are their owner's. */
  readonly close: () => Promise<void>;
}

/** The agent's entry as source, which Node runs as it is. */
const AGENT_FILE = fileURLToPath(new URL('./agent/main.ts', import.meta.url));

/** The same agent as a child process. `workers`: invocations at once in one sandbox. */
export function processSandboxes(workers: number): SandboxSource {
  return {
    kind: 'process',
    accelerator: {
      kind: 'none',
      isolates: false,
      meaning:
        'Functions run as processes of this computer without a machine around them: publish only what you trust.',
    },
    start: (signal) =>
      startSandbox(
        { kind: 'process', startMachine: () => startProcessMachine({ agentFile: AGENT_FILE, workers }) },
        signal,
      ),
    close: () => Promise.resolve(),
  };
}

/**
 * The source for the kind that was asked for. `sandbox-unavailable` when it cannot run here: another kind is never chosen
 * silently.
 */
export async function openSandboxSource(options: CloudletOptions, limits: CloudletLimits): Promise<SandboxSource> {
  switch (options.sandbox) {
    case 'process':
      return processSandboxes(limits.concurrency);
    case 'microvm':
      return machineSandboxes(options, limits);
    default:
      throw options.sandbox satisfies never;
  }
}
