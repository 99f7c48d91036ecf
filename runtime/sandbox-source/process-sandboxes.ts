import { ensureAgentFile } from '../image/index.ts';
import { describeClaims } from '../machine/index.ts';
import { type SandboxSource, startLoaded, startProcessMachine, startSandbox } from '../sandbox/index.ts';
import { SpareSandbox } from './spare-sandbox.ts';

/** The same agent as a child process, kept below `cacheDir`. `workers`: invocations at once in one sandbox; `spare` keeps an empty one ready. */
export function processSandboxes(workers: number, cacheDir: string, spare = false): SandboxSource {
  let file: Promise<string> | null = null;
  const agentFile = () => {
    file ??= ensureAgentFile(cacheDir).catch((error: unknown) => {
      // The disk may have been full: the next start tries again.
      file = null;
      throw error;
    });
    return file;
  };
  const startEmpty = (memoryMib: number, signal?: AbortSignal) => {
    const startMachine = async () => startProcessMachine({ agentFile: await agentFile(), workers, memoryMib });
    return startSandbox({ kind: 'process', startMachine }, signal);
  };
  const ready = spare ? new SpareSandbox(startEmpty) : null;
  return {
    kind: 'process',
    accelerator: {
      kind: 'none',
      isolates: false,
      meaning:
        'Functions run as processes of this computer without a machine around them: publish only what you trust.',
    },
    hardening: describeClaims(),
    start: async (version, signal) => {
      const { memoryMib } = version.grant.limits;
      const start = (given: AbortSignal) => ready?.take(memoryMib, given) ?? startEmpty(memoryMib, given);
      return { sandbox: await startLoaded(version, start, signal), via: 'boot' };
    },
    // A process has no snapshot.
    prepare: () => Promise.resolve(false),
    forget: () => Promise.resolve(),
    close: async () => ready?.close(),
  };
}
