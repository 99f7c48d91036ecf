import { randomUUID } from 'node:crypto';
import { rename, stat } from 'node:fs/promises';
import { CloudletError, type Digest, signedBy } from '../../../guest-sdk/protocol/index.ts';
import { HEAD_BYTES, openOverlayFile, writeOverlayFile } from './overlay-file.ts';
import { overlayManifestText } from './overlay-manifest.ts';

/** Adds a signature by this private key (JWK) to an overlay file: in its place, whole or not at all, or as another file, which must not exist. Its digest stays. */
export async function signOverlayFile(
  path: string,
  key: JsonWebKey,
  { output, signal }: { readonly output?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<{ readonly digest: Digest }> {
  if (output !== undefined && (await stat(output).catch(() => null)) !== null)
    throw new CloudletError('conflict', `expected a file that is not there yet, got ${output}; name another`);
  const file = await openOverlayFile(path);
  try {
    const { manifest, signed, digest } = file.overlay;
    const text = overlayManifestText(manifest, await signedBy(signed, key));
    const written = output ?? `${path}.${randomUUID().slice(0, 8)}.signed`;
    await writeOverlayFile(written, text, path, signal, HEAD_BYTES + Buffer.byteLength(file.text));
    if (output === undefined) await rename(written, path);
    return { digest };
  } finally {
    await file.close();
  }
}
