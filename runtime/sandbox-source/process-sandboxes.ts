import { ensureAgentFile } from '../image/index.ts';
import { type SandboxSource, startLoaded, startProcessMachine, startSandbox } from '../sandbox/index.ts';

/** The same agent as a child process, kept below `cacheDir`. `workers`: invocations at once in one sandbox. */
export function processSandboxes(workers: number, cacheDir: string): SandboxSource {
  let file: Promise<string> | null = null;
  const agentFile = () => {
    file ??= ensureAgentFile(cacheDir).catch((error: unknown) => {
      // The disk may have been full: the next start tries again.
      file = null;
      throw error;
    });
    return file;
  };
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
      const startMachine = async () => startProcessMachine({ agentFile: await agentFile(), workers, memoryMib });
      const start = (given: AbortSignal) => startSandbox({ kind: 'process', startMachine }, given);
      return { sandbox: await startLoaded(version, start, signal), via: 'boot' };
    },
    // A process has no snapshot.
    prepare: () => Promise.resolve(false),
    forget: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
