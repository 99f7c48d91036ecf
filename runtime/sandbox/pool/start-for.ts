import type { LoadedVersion } from '../loaded-version.ts';
import type { SandboxSource, StartedSandbox } from '../sandbox-source.ts';

/**
 * Starts a sandbox, and warms it as long as nobody waits for it, which `isAwaited` says at every moment. Nothing is left of a start
 * that fails.
 */
export async function startFor(
  source: Pick<SandboxSource, 'start'>,
  version: LoadedVersion,
  isAwaited: () => boolean,
  signal: AbortSignal,
): Promise<StartedSandbox> {
  const started = await source.start(version, signal);
  try {
    if (!isAwaited() && !signal.aborted) await started.warm?.(() => isAwaited() || signal.aborted);
    signal.throwIfAborted();
    return started;
  } catch (error) {
    await started.sandbox.close();
    throw error;
  }
}
