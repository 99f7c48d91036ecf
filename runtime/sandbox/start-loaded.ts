import type { LoadedVersion } from './loaded-version.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * Puts a version into an empty sandbox that is being started; whichever of the two takes longer, the machine or the
 * translation, decides. A sandbox that cannot take it is closed. Rejects with what went wrong.
 */
export async function startLoaded(
  version: LoadedVersion,
  startEmpty: (signal: AbortSignal) => Promise<Sandbox>,
  signal: AbortSignal,
): Promise<Sandbox> {
  const translated = version.artifact();
  translated.catch(() => {
    // It is seen when it is awaited.
  });
  const sandbox = await startEmpty(signal);
  try {
    const { program, grant, reuse } = version;
    const content = { program, artifact: await translated, grant, ...(reuse === undefined ? {} : { reuse }) };
    await sandbox.load(content, signal);
    return sandbox;
  } catch (error) {
    await sandbox.close();
    signal.throwIfAborted();
    throw error;
  }
}
