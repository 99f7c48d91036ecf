import type { LoadedVersion } from './loaded-version.ts';
import type { SandboxSource, StartedSandbox } from './sandbox-source.ts';

/** Starts a sandbox for those who wait, or ahead of them: then it is warmed before it is theirs. Nothing is left of a start that fails. */
export async function startFor(
  source: Pick<SandboxSource, 'start'>,
  version: LoadedVersion,
  forWaiting: boolean,
  signal: AbortSignal,
): Promise<StartedSandbox> {
  const started = await source.start(version, signal);
  try {
    if (!forWaiting && !signal.aborted) await started.warm?.();
    signal.throwIfAborted();
    return started;
  } catch (error) {
    await started.sandbox.close();
    throw error;
  }
}
