import { fileURLToPath } from 'node:url';
import { type SandboxSource, startLoaded, startProcessMachine, startSandbox } from '../sandbox/index.ts';

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
    start: async (version, signal) => {
      const { memoryMib } = version.grant.limits;
      const startMachine = () => startProcessMachine({ agentFile: AGENT_FILE, workers, memoryMib });
      const start = (given: AbortSignal) => startSandbox({ kind: 'process', startMachine }, given);
      return { sandbox: await startLoaded(version, start, signal), via: 'boot' };
    },
    // A process has no snapshot.
    prepare: () => Promise.resolve(false),
    forget: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
