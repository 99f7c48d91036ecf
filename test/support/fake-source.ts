import type { Machine } from '../../runtime/machine/machine.ts';
import type { Clock } from '../../runtime/sandbox/clock.ts';
import { type SandboxSource, startLoaded, startSandbox } from '../../runtime/sandbox/index.ts';

/** A source of sandboxes over machines that the test makes. */
export function fakeSource(startMachine: () => Promise<Machine>, clock: Clock): SandboxSource {
  return {
    kind: 'process',
    accelerator: { kind: 'none', isolates: false, meaning: 'machines of a test' },
    start: async (version, signal) => ({
      sandbox: await startLoaded(
        version,
        (given) => startSandbox({ kind: 'process', clock, startMachine }, given),
        signal,
      ),
      via: 'boot',
    }),
    prepare: () => Promise.resolve(),
    forget: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
