import { fileURLToPath } from 'node:url';
import { startProcessMachine, startSandbox } from '../sandbox/index.ts';
import type { SandboxSource } from './sandbox-source.ts';

/** The agent's entry as source, which Node runs as it is. */
const AGENT_FILE = fileURLToPath(new URL('../agent/main.ts', import.meta.url));

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
