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
  const translated = Promise.all([version.artifact(), version.files?.() ?? []]);
  translated.catch(() => {
    // It is seen when it is awaited.
  });
  const sandbox = await startEmpty(signal);
  try {
    const [artifact, files] = await translated;
    const { program, grant, reuse, recorded = false } = version;
    const content = { program, artifact, grant, files, recorded, ...(reuse === undefined ? {} : { reuse }) };
    await sandbox.load(content, signal);
    if (version.secrets !== undefined) sandbox.grant(grant, version.secrets());
    return sandbox;
  } catch (error) {
    await sandbox.close();
    signal.throwIfAborted();
    throw error;
  }
}
